/// What the command line says of all webhooks that it names; more stands in the configuration file, for each by itself.
extension Flag {
    static let ofWebhooks = [
        webhookSecretEnv, webhookAllowPrivate, webhookShape, webhookTemplate, webhookCA, batch, linger,
    ]

    static let webhookSecretEnv = Flag(
        name: "--webhook-secret-env", value: .text("NAME"), defaultText: "unsigned",
        help: "The environment variable with the secrets that webhooks are signed with (Standard Webhooks 1.0): `whsec_…`, several with spaces between."
    ) { (options, value) throws(UsageError) in options.webhookSecretEnv = value }

    static let webhookAllowPrivate = Flag(
        name: "--webhook-allow-private", value: .none, defaultText: "refused",
        help: "Let webhooks go to loopback and private addresses, and to these without TLS. Link-local and metadata addresses are always refused."
    ) { (options, _) throws(UsageError) in options.webhooksMayBePrivate = true }

    static let webhookShape = Flag(
        name: "--webhook-shape", value: .choice("SHAPE", WebhookSpec.Shape.allCases.map(\.rawValue)),
        help: "The form of what webhooks are sent: the alert itself, as without this flag, or the same in the words of a service. `pagerduty` needs a key, which the configuration file has."
    ) { (options, value) throws(UsageError) in options.webhookShape = try choice(value, of: "--webhook-shape") }

    static let webhookTemplate = Flag(
        name: "--webhook-template", value: .path("FILE"),
        help: "A JSON document with `{expressions}` in its texts, which webhooks are sent for each alert."
    ) { (options, value) throws(UsageError) in
        guard !value.isEmpty, value != "-" else { throw UsageError("--webhook-template needs the name of a file") }
        options.webhookTemplate = value
    }

    static let webhookCA = Flag(
        name: "--webhook-ca", value: .path("FILE"), defaultText: "the system's", help: "The certificates that webhooks are trusted by, PEM."
    ) { (options, value) throws(UsageError) in
        guard !value.isEmpty, value != "-" else { throw UsageError("--webhook-ca needs the name of a file") }
        options.webhookCAFile = value
    }

    static let batch = Flag(
        name: "--batch", value: .text("N"), defaultText: "1",
        help: "Most alerts in one request to a webhook, 1 to \(WebhookBounds.batch.upperBound). From 2 on what is sent is a list; the shapes `alert`, `cloudevents` and `alertmanager` have one."
    ) { (options, value) throws(UsageError) in
        guard let count = Int(value), WebhookBounds.batch.contains(count) else {
            throw UsageError("--batch needs a whole number from \(WebhookBounds.batch.lowerBound) to \(WebhookBounds.batch.upperBound), not \(value)")
        }
        options.webhookBatch = count
    }

    static let linger = Flag(
        name: "--linger", value: .text("D"), defaultText: DurationArgument.text(WebhookBounds.lingerDefault),
        help: "How long an alert waits for others of its batch, 1ms to 1m."
    ) { (options, value) throws(UsageError) in
        guard let duration = DurationArgument.parse(value), WebhookBounds.linger.contains(duration) else {
            throw UsageError("--linger needs \(DurationArgument.expected), from 1ms to 1m, not \(value)")
        }
        options.webhookLinger = duration
    }
}
