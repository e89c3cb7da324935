internal import Glibc

extension Command {
    static let config = Command(
        name: "config", operands: "[FILE]", summary: "check a configuration file and print what it comes to",
        details: [
            "Reads a configuration file (by default \(Configuration.defaultPath) in the current folder) and prints it as a run goes by it: defaults filled in, environment variables in their places, paths from the root, secrets masked as \(Configuration.mask). But for the secrets, what is printed is a configuration file itself.",
            "Mistakes go to standard error, all in one go, and the exit status is 2. No file is opened that the configuration names, but those that hold secrets.",
        ],
        example: "needletail config\nneedletail config --schema > needletail.schema.json", flags: [.config, .schema]
    ) { (options) throws(UsageError) in
        guard !options.wantsSchema else {
            guard options.operands.isEmpty, options.configuration == nil else { throw UsageError("--schema stands alone: it needs no file") }
            Needletail.print(PrettyJSON.text(ConfigurationSchema.document()))
            return ExitStatus.done
        }
        let paths = options.operands + (options.configuration.map { [$0] } ?? [])
        guard paths.count <= 1 else { throw UsageError("`needletail config` reads one file, not \(paths.joined(separator: ", "))") }
        if paths.isEmpty, access(Configuration.defaultPath, F_OK) != 0 {
            throw UsageError("there is no \(Configuration.defaultPath) here", hint: "name a file: needletail config FILE")
        }
        let configuration = try Configuration.read(paths.first ?? Configuration.defaultPath)
        guard let folder = getcwd(nil, 0) else { throw UsageError("the current folder is gone") }
        defer { free(folder) }
        let resolved = configuration.resolved(currentFolder: String(cString: folder), cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        Needletail.print(PrettyJSON.text(resolved))
        return ExitStatus.done
    }
}

extension Flag {
    static let config = Flag(
        name: "--config", value: .path("FILE"),
        help: "Read a configuration file. A flag wins over what the file says; no file is read without this."
    ) { (options, value) throws(UsageError) in
        guard value != "-" else { throw UsageError("--config needs the name of a file") }
        options.configuration = value
    }

    static let schema = Flag(
        name: "--schema", value: .none, help: "Print the JSON schema of the configuration file (draft 2020-12), for editors."
    ) { (options, _) throws(UsageError) in options.wantsSchema = true }
}
