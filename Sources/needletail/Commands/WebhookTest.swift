internal import Connectors
internal import Diagnostics
internal import Events
internal import Glibc
internal import Replay
internal import RuleCompiler
internal import Streaming

extension Command {
    static let webhook = Command(
        name: "webhook", operands: "test NAME|URL", summary: "send a sample alert to a webhook, and show the request and the answer",
        details: [
            "Sends one alert of a made-up rule, `\(WebhookSample.rule)`, as a run would send it: the same form, headers, signature and checks of the address. It is sent once; nothing is tried again or kept. NAME is a webhook of the configuration file (by default \(Configuration.defaultPath) in the current folder). URL may be `${NAME}`, an environment variable, so that an address with a secret need not be typed.",
            "Shows the request, its signature and the answer. Of the address its beginning alone is shown, since the rest may be secret, and of headers that may hold secrets no value. The exit status is 0 where the alert was taken, and 3 where it was not.",
        ],
        example: "needletail webhook test https://hooks.example.com/needletail\nneedletail webhook test '${HOOK}' --webhook-secret-env SECRET\nneedletail webhook test ops --config needletail.json",
        flags: [.config, .webhookSecretEnv, .webhookAllowPrivate, .webhookShape, .webhookTemplate, .webhookCA]
    ) { (options) throws(UsageError) in
        guard options.operands.first == "test", options.operands.count == 2 else {
            throw UsageError("`needletail webhook` does `test` with one name or address", hint: "for example: needletail webhook test https://hooks.example.com/needletail")
        }
        let endpoint = try WebhookSample.endpoint(options.operands[1], options)
        let log = Log(options)
        guard let alert = WebhookSample.alert() else {
            log.error("the sample alert could not be made")
            return ExitStatus.failed
        }
        do throws(WebhookError) {
            let trial = try WebhookTrial.send(alert, to: endpoint, clock: SystemClock())
            Needletail.print(WebhookSample.text(of: trial, endpoint))
            guard !trial.isDelivered else { return ExitStatus.done }
            log.error("the webhook \(endpoint) has not taken the alert: \(trial.answer)")
        } catch {
            log.error(error.message)
        }
        return ExitStatus.failed
    }
}

/// What `needletail webhook test` sends and shows.
enum WebhookSample {
    static let rule = "rule webhook_test { by sender match ping: webhook_test alert info \"a test of this webhook; nothing has happened\" }"

    /// One alert of the rule, with an id of its own: it is made as every other alert is.
    static func alert() -> OutboxAlert? {
        var sink = DiagnosticSink()
        let now = WallClock.now()
        let number = UInt64.random(in: .min ... .max) >> 12
        let event = "{\"type\":\"webhook_test\",\"ts\":\(now / 1000),\"id\":\(number),\"sender\":\"needletail webhook test\"}\n"
        guard let rules = RuleSet.load([SourceFile(path: "webhook test", bytes: Array(rule.utf8))], into: &sink),
            let line = try? rules.replay(events: Array(event.utf8)).alerts.first
        else { return nil }
        return OutboxAlert.read(line[...], ordinal: 0, appendedMicroseconds: now)?.alert
    }

    /// - Parameter operand: an address, which flags describe, or the name of a webhook of the configuration file.
    static func endpoint(_ operand: String, _ given: Options) throws(UsageError) -> WebhookEndpoint {
        var options = given
        let address = try Environment.expanded(operand, of: "the address")
        if Flag.isWebhook(address) {
            guard options.configuration == nil else { throw UsageError("--config is for webhooks that are called by their name; an address is described by flags") }
            options.origins["--alerts"] = "the address"
            guard let webhook = try Options.configured([options.webhook(address)]).first else { throw UsageError("the address is none of a webhook") }
            return webhook.endpoint
        }
        // What has a colon and two slashes is no name, and may hold a secret.
        if let scheme = Flag.scheme(of: address) { throw UsageError("a webhook's address begins with https://, not \(scheme)…") }
        // Nor is what has the signs of an address.
        guard !operand.utf8.contains(where: { "/:?@=&".utf8.contains($0) }) || address != operand else {
            throw UsageError("what is to be tried is neither an address that begins with https:// nor the name of a webhook")
        }
        guard address == operand else { throw UsageError("\(operand) holds no address that begins with https://") }
        for flag in Flag.ofWebhooks where given.given.contains(flag.name) {
            throw UsageError("\(flag.name) is for an address; what the webhook \(operand) is told stands in the configuration file")
        }
        if options.configuration == nil {
            guard access(Configuration.defaultPath, F_OK) == 0 else {
                throw UsageError("\(operand) is no address, and there is no \(Configuration.defaultPath) here that could name a webhook so", hint: "give the address, or --config FILE")
            }
            options.configuration = Configuration.defaultPath
        }
        let webhooks = try options.configured().webhooks()
        if let webhook = webhooks.first(where: { $0.endpoint.name == operand }) { return webhook.endpoint }
        let names = webhooks.map(\.endpoint.name)
        throw UsageError(
            "\(options.configuration ?? "") has no webhook called \(operand)",
            hint: CommandLineParser.nearest(operand, among: names) ?? (names.isEmpty ? "it has no webhooks" : "it has \(names.map { "`\($0)`" }.joined(separator: ", "))"))
    }

    static func text(of trial: WebhookTrial, _ endpoint: WebhookEndpoint) -> String {
        var text = "POST \(endpoint.origin)/… (\(endpoint.name))\n"
        for header in trial.headers { text += header + "\n" }
        if endpoint.secrets.isEmpty { text += "(not signed: there is no secret)\n" }
        text += "\n" + String(decoding: trial.body, as: UTF8.self) + "\n\n"
        return text + "answer after \(NumberText.milliseconds(trial.microseconds)) ms: \(trial.answer)\n"
    }
}
