internal import Glibc
internal import Replay
internal import StateStores
internal import Streaming

extension Command {
    static let savepoint = Command(
        name: "savepoint", operands: "DIR TO", summary: "copy a state folder as it is now, also of a run that goes on",
        details: [
            "DIR is the folder of `run --state`. TO is made, and must not exist. A run that goes on makes a checkpoint first, and then goes on; the copy is complete when this command ends.",
            "A savepoint is what to go back to when rules or data went wrong, and what to begin a second run from: `needletail run --from-savepoint TO --state NEW`.",
        ],
        example: "needletail savepoint state/ savepoints/monday",
        flags: []
    ) { (options) throws(UsageError) in
        guard options.operands.count == 2 else {
            throw UsageError("`needletail savepoint` needs two folders: that of the state, and that of the savepoint", hint: "for example: needletail savepoint state/ savepoints/monday")
        }
        let path = options.operands[0]
        let log = Log(options)
        // While we have the folder, another `needletail savepoint` takes us for a run and asks us.
        signal(SIGUSR1, SIG_IGN)
        do throws(StoreError) {
            let target = try absolute(options.operands[1])
            guard access(path + "/FORMAT", F_OK) == 0 else { throw UsageError.folder(path) }
            let answer: String
            if let owner = StateFolder.owner(of: path) {
                answer = try StateFolder.request(savepointOf: path, to: target, from: owner, timeoutSeconds: savepointSecondsMax)
            } else {
                answer = "checkpoint \(try StateFolder(path).makeSavepoint(to: target))"
            }
            log.write(.info, "savepoint of \(answer) made in \(options.operands[1])")
            return ExitStatus.done
        } catch {
            log.error(error.message)
            return ExitStatus.failed
        }
    }

    /// A run that is asked has so long for its checkpoint and the copy.
    private static let savepointSecondsMax = 120

    private static func absolute(_ path: String) throws(StoreError) -> String {
        if path.hasPrefix("/") { return path }
        guard let folder = getcwd(nil, 0) else { throw .failed("the folder that we are in has no name") }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }
}

extension UsageError {
    static func folder(_ path: String) -> StoreError {
        .failed("\(path) is no state folder of `needletail run --state`")
    }
}
