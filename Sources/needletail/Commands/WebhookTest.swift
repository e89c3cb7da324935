internal import Connectors
internal import Diagnostics
internal import Events
internal import Glibc
internal import Replay
internal import RuleCompiler
internal import Streaming

extension Command {
    static let webhook = Command(
        name: "webhook", operands: "test URL", summary: "send a sample alert to a webhook, and show the request and the answer",
        details: [
            "Sends one alert of a made-up rule, `\(WebhookSample.rule)`, as a run would send it: the same form, headers, signature and checks of the address. It is sent once; nothing is tried again or kept. URL may be `${NAME}`, an environment variable, so that an address with a secret need not be typed.",
            "Shows the request, its signature and the answer. Of the address its beginning alone is shown, since the rest may be secret, and of headers that may hold secrets no value. The exit status is 0 where the alert was taken, and 3 where it was not.",
        ],
        example: "needletail webhook test https://hooks.example.com/needletail\nneedletail webhook test '${HOOK}' --webhook-secret-env SECRET",
        flags: [.webhookSecretEnv, .webhookAllowPrivate]
    ) { (options) throws(UsageError) in
        guard options.operands.first == "test", options.operands.count == 2 else {
            throw UsageError("`needletail webhook` does `test` with one address", hint: "for example: needletail webhook test https://hooks.example.com/needletail")
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

    static func endpoint(_ operand: String, _ options: Options) throws(UsageError) -> WebhookEndpoint {
        let address = try Environment.expanded(operand, of: "the address")
        guard Flag.isWebhook(address) else {
            throw UsageError("`needletail webhook test` needs an address that begins with https://", hint: "for example: needletail webhook test https://hooks.example.com/needletail")
        }
        do throws(WebhookError) {
            return try RunEnds.endpoint(address, options)
        } catch {
            throw UsageError(error.message)
        }
    }

    static func text(of trial: WebhookTrial, _ endpoint: WebhookEndpoint) -> String {
        var text = "POST \(endpoint.origin)/… (\(endpoint.name))\n"
        for header in trial.headers { text += header + "\n" }
        if endpoint.secrets.isEmpty { text += "(not signed: there is no secret)\n" }
        text += "\n" + String(decoding: trial.body, as: UTF8.self) + "\n\n"
        return text + "answer after \(NumberText.milliseconds(trial.microseconds)) ms: \(trial.answer)\n"
    }
}
