import Connectors
import Diagnostics
import Foundation
import Testing

/// gzip and zstd are read through; what is damaged is said once what came before has been worked.
@Suite struct CompressionTests {
    @Test func compressedInputsAreReadByNameAndByContent() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...3000, pad: 200)])
        try shell.run("gzip -k log; zstd -q log; cp log.gz g; cp log.zst z; ln -s log.zst named.zst")
        #expect(try shell.run("needletail run r.rule --quiet --input log") == 0)
        let expected = shell.read("out")
        #expect(expected.split(separator: "\n").count == 3000)
        for line in [
            "needletail run r.rule --quiet --input log.gz", "needletail run r.rule --quiet --input named.zst",
            "needletail run r.rule --quiet --input g", "needletail run r.rule --quiet --input z",
            "needletail run r.rule --quiet < g", "cat z | needletail run r.rule --quiet", "cat g | needletail run r.rule --quiet",
        ] {
            #expect(try shell.run(line) == 0, "\(line): \(shell.read("err"))")
            #expect(shell.read("out") == expected, "\(line)")
        }
    }

    @Test func severalMembersAndFramesAreOneInput() throws {
        let shell = try Shell(["r.rule": everyRule, "one": events(1...10), "two": events(11...20), "none": ""])
        try shell.run(
            """
            { gzip -c one; gzip -c none; gzip -c two; } > both.gz; { zstd -qc one; zstd -qc none; zstd -qc two; } > both.zst
            { gzip -c one; gzip -c two; head -c 1000 /dev/zero; } > padded.gz; gzip -c none > empty.gz; zstd -qc none > empty.zst
            """)
        for name in ["both.gz", "both.zst", "padded.gz"] {
            #expect(try shell.run("needletail run r.rule --quiet --input \(name)") == 0, "\(name): \(shell.read("err"))")
            #expect(shell.outputLines.count == 20, "\(name)")
        }
        for name in ["empty.gz", "empty.zst"] {
            #expect(try shell.run("needletail run r.rule --quiet --input \(name)") == 0, "\(name): \(shell.read("err"))")
            #expect(shell.outputLines.isEmpty)
        }
    }

    @Test func whatIsCutOffOrDamagedIsSaidAfterWhatCameBeforeIsWorked() throws {
        let shell = try Shell(["r.rule": everyRule, "log": events(1...20_000, pad: 40)])
        try shell.run("gzip -k log; zstd -q log; : > none.gz; cp log plain.gz; cp log plain.zst")
        for (suffix, kind) in [("gz", "gzip"), ("zst", "zstd")] {
            try shell.run("head -c $(($(stat -c %s log.\(suffix)) / 2)) log.\(suffix) > cut.\(suffix)")
            #expect(try shell.run("needletail run r.rule --input cut.\(suffix)") == 3)
            #expect(shell.read("err").contains("cut.\(suffix): the \(kind) data ends in the middle; the file is cut off"), "\(shell.read("err"))")
            #expect(shell.read("err").contains("failed after: "))
            let whole = shell.outputLines.count
            #expect(whole > 1000 && whole < 20_000, "\(suffix) \(whole)")

            try shell.run("{ cat log.\(suffix); echo more; } > tail.\(suffix)")
            #expect(try shell.run("needletail run r.rule --quiet --input tail.\(suffix)") == 3)
            #expect(shell.read("err").contains("tail.\(suffix): the \(kind) data is damaged ("), "\(shell.read("err"))")
            #expect(shell.outputLines.count == 20_000)

            #expect(try shell.run("needletail run r.rule --quiet --input plain.\(suffix)") == 3)
            #expect(shell.read("err").contains("plain.\(suffix): the \(kind) data is damaged ("))
        }
        #expect(try shell.run("needletail run r.rule --quiet --input none.gz") == 3)
        // The last bytes of gzip are its checksum and length.
        var bytes = try Data(contentsOf: shell.path("log.gz"))
        bytes[bytes.count - 6] ^= 1
        try bytes.write(to: shell.path("sum.gz"))
        #expect(try shell.run("needletail run r.rule --quiet --input sum.gz") == 3)
        #expect(shell.read("err").contains("incorrect data check"))
    }

    /// Each byte flipped, each length cut: an error or the right bytes, never a trap, and never other bytes in silence.
    @Test func noDamageIsTakenInSilence() throws {
        let shell = try Shell(["log": events(1...4)])
        try shell.run("gzip -kn log; zstd -q --check log")
        let plain = [UInt8](try Data(contentsOf: shell.path("log")))
        for suffix in [".gz", ".zst"] {
            let whole = [UInt8](try Data(contentsOf: shell.path("log" + suffix)))
            #expect(try readEventFile(shell.path("log" + suffix).path, bytesMax: 1 << 20) == plain)
            var damaged = (0..<whole.count).map { Array(whole[..<$0]) }
            for place in whole.indices {
                var bytes = whole
                bytes[place] ^= 1 << UInt8(place % 8)
                damaged.append(bytes)
            }
            var silent = 0
            for bytes in damaged {
                try Data(bytes).write(to: shell.path("x" + suffix))
                switch content(shell.path("x" + suffix).path) {
                case .success(let content):
                    #expect(content == plain)
                    silent += 1
                case .failure(let error):
                    #expect(error.path == shell.path("x" + suffix).path && !error.reason.isEmpty)
                }
            }
            // Some bytes of the headers (time, system, flags) say nothing about the content.
            #expect(silent < 16, "\(suffix) \(silent)")
        }
    }

    private func content(_ path: String) -> Result<[UInt8], FileError> {
        Result { () throws(FileError) in try readEventFile(path, bytesMax: 1 << 20) }
    }

    @Test func aBombIsBounded() throws {
        let shell = try Shell()
        try shell.run("head -c 100M /dev/zero | gzip -c > bomb.gz")
        #expect(throws: FileError.self) { try readEventFile(shell.path("bomb.gz").path, bytesMax: 1 << 20) }
    }

    @Test func fixturesMayBeCompressed() throws {
        let shell = try Shell(["r.rule": everyRule])
        try shell.run(
            """
            mkdir -p rules f g; mv r.rule rules
            echo '{"type":"a","ts":1000,"id":7}' | tee >(gzip -c > f/events.ndjson.gz) | zstd -qc > g/events.ndjson.zst; sleep 0.2
            echo '{"rule":"every"}' | tee g/alerts.ndjson > f/alerts.ndjson
            """)
        #expect(try shell.run("needletail test f g") == 0, "\(shell.read("out")) \(shell.read("err"))")
        #expect(shell.read("out").contains("2 passed, 0 failed"))
    }
}
