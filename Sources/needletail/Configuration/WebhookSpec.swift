internal import Connectors
internal import Diagnostics
internal import Glibc

/// A webhook as flags or the configuration file describe it. Its secrets are shown nowhere.
struct WebhookSpec: Sendable, CustomReflectable {
    enum Shape: String, Sendable, CaseIterable {
        case alert, cloudevents, slack, pagerduty, alertmanager, template
    }

    var name: String?
    var url: String
    /// As they are written: `whsec_…`, several with blanks between; nil: unsigned.
    var secrets: String?
    /// Nil: what the rest asks for.
    var shape: Shape?
    /// A path.
    var template: String?
    var routingKey: String?
    var headers: [(name: String, value: String)] = []
    var severity: String?
    var rules: [String] = []
    var tags: [String] = []
    /// Alerts a second.
    var rate: Int?
    var batch = 1
    /// Durations are microseconds.
    var linger = WebhookBounds.lingerDefault
    var inFlight: Int?
    var timeout = WebhookBounds.timeoutDefault
    var connectTimeout = WebhookBounds.connectTimeoutDefault
    var age = WebhookBounds.ageDefault
    var caFile: String?
    var certificateFile: String?
    var keyFile: String?
    var allowsPrivate = false
    /// What said it, for messages, by the key of the configuration file that it is or would be.
    var origin: @Sendable (String) -> String

    /// What flags say of all webhooks.
    init(url: String, flags options: Options) {
        self.url = url
        shape = options.webhookShape
        template = options.webhookTemplate
        batch = options.webhookBatch ?? 1
        linger = options.webhookLinger ?? WebhookBounds.lingerDefault
        caFile = options.webhookCAFile
        allowsPrivate = options.webhooksMayBePrivate
        let secretName = options.webhookSecretEnv
        let flags = [
            "url": options.origin(of: "--alerts"), "secret": "--webhook-secret-env" + (secretName.map { " \($0)" } ?? ""), "shape": "--webhook-shape",
            "template": "--webhook-template", "batch": "--batch", "linger": "--linger", "ca_file": "--webhook-ca",
        ]
        origin = { flags[$0] ?? "--alerts" }
    }

    /// An element of `alerts`; nil where it is no webhook.
    ///
    /// - Parameter place: how messages name it: `needletail.json: alerts[0]`.
    init?(_ section: ConfigurationSection, place: String) {
        guard let url = section.text("url")?.value else { return nil }
        func texts(_ name: String) -> [String] {
            (section.list(name) ?? []).compactMap { element in
                if case .text(let text) = element.content { return text.value }
                return nil
            }
        }
        self.url = url
        name = section.text("name")?.value
        secrets = section.text("secret")?.value
        shape = section.text("shape").flatMap { Shape(rawValue: $0.value) }
        template = section.text("template")?.value
        routingKey = section.text("routing_key")?.value
        headers = (section.section("headers")?.members ?? []).compactMap { member in
            if case .text(let text) = member.value.content { return (member.name, text.value) }
            return nil
        }
        severity = section.text("severity")?.value
        (rules, tags) = (texts("rules"), texts("tags"))
        rate = section.count("rate")
        batch = section.count("batch") ?? batch
        linger = section.duration("linger") ?? linger
        inFlight = section.count("in_flight")
        timeout = section.duration("timeout") ?? timeout
        connectTimeout = section.duration("connect_timeout") ?? connectTimeout
        age = section.duration("max_age") ?? age
        caFile = section.text("ca_file")?.value
        certificateFile = section.text("certificate_file")?.value
        keyFile = section.text("key_file")?.value
        allowsPrivate = section.boolean("allow_private") ?? allowsPrivate
        origin = { "\(place).\($0)" }
    }

    var customMirror: Mirror { Mirror(self, children: ["name": name ?? "…"]) }
}

/// A webhook that is in order, and what it wants.
struct ConfiguredWebhook: Sendable {
    var endpoint: WebhookEndpoint
    var route: WebhookRoute
}

/// What is wrong with a webhook; without secrets.
struct WebhookMistake: Error, Equatable {
    /// Of the configuration file.
    var key: String
    /// One sentence without a full stop.
    var message: String
    var hint: String?
}

extension WebhookSpec {
    /// What is trusted, shown and sent, and all that is wrong with it.
    ///
    /// - Parameter readsFiles: whether templates and certificates are looked at. The template is in the endpoint only then.
    func configured(readsFiles: Bool) -> (webhook: ConfiguredWebhook?, mistakes: [WebhookMistake]) {
        var mistakes: [WebhookMistake] = []
        func attempt<Result>(_ key: String, _ body: () throws(WebhookError) -> Result) -> Result? {
            do throws(WebhookError) { return try body() } catch {
                mistakes.append(WebhookMistake(key: key, message: error.message))
                return nil
            }
        }
        let secrets = attempt("secret") { () throws(WebhookError) in try parsedSecrets() } ?? []
        let made = attempt("url") { () throws(WebhookError) in
            try WebhookEndpoint(name: name, url: url, secrets: secrets, allowsPrivateAddresses: allowsPrivate)
        }
        let route = attempt("severity") { () throws(WebhookError) in try WebhookRoute(severityMin: severity, rules: rules, tags: tags) }
        var (shape, wrong) = chosenShape()
        mistakes += wrong
        if readsFiles, wrong.isEmpty, let template {
            do throws(UsageError) { shape = .template(try WebhookSpec.readTemplate(template)) } catch {
                // Each stands in the template, at its own line.
                mistakes += ([error] + error.more).map { WebhookMistake(key: "template", message: $0.message, hint: $0.hint) }
            }
        }
        if keyFile != nil, certificateFile == nil {
            mistakes.append(WebhookMistake(key: "key_file", message: "there is a key and no certificate", hint: "give `certificate_file` too"))
        }
        if readsFiles {
            for (key, path) in [("ca_file", caFile), ("certificate_file", certificateFile), ("key_file", keyFile)] {
                if let path, let reason = WebhookSpec.fault(ofPEM: path) { mistakes.append(WebhookMistake(key: key, message: "\(path): \(reason)")) }
            }
        }
        guard var endpoint = made, let route else { return (nil, mistakes) }
        for (name, value) in headers { _ = attempt("headers") { () throws(WebhookError) in try endpoint.addHeader(name, value) } }
        endpoint.shape = shape
        endpoint.caFile = caFile
        endpoint.certificateFile = certificateFile
        endpoint.keyFile = keyFile
        if let inFlight { endpoint.inFlightMax = inFlight }
        endpoint.timeoutMilliseconds = Int(timeout / 1000)
        endpoint.connectTimeoutMilliseconds = Int(connectTimeout / 1000)
        endpoint.delivery.ageMaxMicroseconds = age
        endpoint.delivery.alertsPerSecondMax = rate
        endpoint.delivery.batchMax = batch
        endpoint.delivery.lingerMicroseconds = linger
        return (mistakes.isEmpty ? ConfiguredWebhook(endpoint: endpoint, route: route) : nil, mistakes)
    }

    private func parsedSecrets() throws(WebhookError) -> [WebhookSecret] {
        guard let secrets else { return [] }
        let parts = secrets.split(whereSeparator: \.isWhitespace)
        guard !parts.isEmpty else { throw WebhookError("The webhook secret is empty") }
        var parsed: [WebhookSecret] = []
        for part in parts { parsed.append(try WebhookSecret(String(part))) }
        return parsed
    }

    /// A template has to be read yet.
    private func chosenShape() -> (shape: WebhookShape, mistakes: [WebhookMistake]) {
        var mistakes: [WebhookMistake] = []
        func say(_ key: String, _ message: String, _ hint: String) { mistakes.append(WebhookMistake(key: key, message: message, hint: hint)) }
        let kind = shape ?? (template != nil ? .template : routingKey != nil ? .pagerduty : .alert)
        if template != nil, kind != .template { say("template", "a template goes with the shape template, not \(kind.rawValue)", "leave one of them out") }
        if routingKey != nil, kind != .pagerduty { say("routing_key", "a routing key goes with the shape pagerduty, not \(kind.rawValue)", "leave one of them out") }
        var shape = WebhookShape.alert
        switch kind {
        case .alert: break
        case .cloudevents: shape = .cloudEvents
        case .slack: shape = .slack
        case .alertmanager: shape = .alertmanager
        case .pagerduty:
            if let routingKey {
                shape = .pagerDuty(routingKey: WebhookKey(routingKey))
            } else {
                say("shape", "the shape pagerduty needs a routing key", "give `routing_key`, or `routing_key_file`, in the configuration file")
            }
        case .template:
            if template == nil { say("shape", "the shape template needs a template", "name its file: \(origin("template"))") }
        }
        if batch > 1, ![.alert, .cloudevents, .alertmanager].contains(kind) {
            say(
                "batch", "the shape \(kind.rawValue) has one alert a request, and \(batch) were asked for",
                "leave it out, or take a shape that has lists: alert, cloudevents or alertmanager")
        }
        return (shape, mistakes)
    }

    /// Nil where the file is one of PEM.
    private static func fault(ofPEM path: String) -> String? {
        do throws(FileError) {
            let bytes = try readFile(path, bytesMax: 4 << 20)
            let mark = Array("-----BEGIN ".utf8)
            let isPEM = bytes.indices.contains { bytes[$0] == mark[0] && bytes[$0...].starts(with: mark) }
            return isPEM ? nil : "it holds nothing in PEM, which begins with -----BEGIN"
        } catch {
            return "\(error.reason)"
        }
    }

    /// - Throws: all mistakes of the file.
    static func readTemplate(_ path: String) throws(UsageError) -> WebhookTemplate {
        let bytes: [UInt8]
        do throws(FileError) { bytes = try readFile(path, bytesMax: WebhookTemplate.bytesMax) } catch { throw UsageError(error.message) }
        do throws(WebhookTemplateFault) {
            return try WebhookTemplate(bytes)
        } catch {
            var errors = error.mistakes.map { UsageError("\(path):\($0.line):\($0.column): \($0.message)", hint: $0.hint) }
            guard !errors.isEmpty else { throw UsageError("\(path) is no template") }
            errors[0].more = Array(errors.dropFirst())
            throw errors[0]
        }
    }
}

extension Options {
    /// The webhooks that `--alerts` or the configuration file names, in that order; their names are all different.
    ///
    /// - Throws: all that is wrong with them.
    func webhooks() throws(UsageError) -> [ConfiguredWebhook] {
        var specs: [WebhookSpec] = []
        for spec in alerts {
            // The address may stand in the variable as a whole.
            let address = try Environment.expanded(spec, of: origin(of: "--alerts"))
            if Flag.isWebhook(address) { specs.append(try webhook(address)) }
        }
        if specs.isEmpty {
            for flag in Flag.ofWebhooks where isGiven(flag.name) {
                throw UsageError(
                    "\(flag.name) is for webhooks that --alerts names, and there is none",
                    hint: webhookSpecs.isEmpty ? "name one: --alerts https://…" : "those of the configuration file have their own keys for it")
            }
        }
        return try Options.configured(specs + webhookSpecs)
    }

    /// A webhook by its address, as the flags describe all of them.
    func webhook(_ address: String) throws(UsageError) -> WebhookSpec {
        var spec = WebhookSpec(url: address, flags: self)
        if let name = webhookSecretEnv {
            guard let text = getenv(name), text.pointee != 0 else {
                throw UsageError("\(origin(of: "--alerts")): the environment variable \(name) of --webhook-secret-env is not set")
            }
            spec.secrets = String(cString: text)
        }
        return spec
    }

    /// - Throws: all that is wrong.
    static func configured(_ specs: [WebhookSpec]) throws(UsageError) -> [ConfiguredWebhook] {
        var webhooks: [ConfiguredWebhook] = []
        var errors: [UsageError] = []
        for spec in specs {
            let (webhook, mistakes) = spec.configured(readsFiles: true)
            errors += mistakes.map { UsageError("\(spec.origin($0.key)): \($0.message)", hint: $0.hint) }
            guard let webhook else { continue }
            if webhooks.contains(where: { $0.endpoint.name == webhook.endpoint.name }) {
                errors.append(UsageError("\(spec.origin("url")): two webhooks are called \(webhook.endpoint.name)", hint: "name each place once"))
            }
            webhooks.append(webhook)
        }
        guard !errors.isEmpty else { return webhooks }
        // Flags say the same of each webhook.
        var different: [UsageError] = []
        for error in errors where !different.contains(where: { $0.message == error.message }) { different.append(error) }
        different[0].more = Array(different.dropFirst())
        throw different[0]
    }
}
