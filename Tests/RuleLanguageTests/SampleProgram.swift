/// A program that uses every production of the grammar that this version runs, and some that it only parses.
enum SampleProgram {
    static let runnable = #"""
        // A comment at the top.
        event charge { card string  amount number, country string?  at time  tags list  more any  device.os.name string  ok boolean }
        event wire { card string amount number account string }
        stream { type kind  time at rfc3339  delay 5s  ahead 1h30m  idle 250ms }
        stream other { type "request" time ts milliseconds }
        list risky = ["NG", "RU", "KP",]
        let large = 300 * (1 + 1_0) - 0.5e1

        /// Small charges, then a large one.
        /// In another country.
        rule everything {
            by card, mail: lower(more.mail)
            where amount > 0 and not (country is missing) or ok
            let ratio = amount / 2 % 7
            let foreign = country not in risky and `country` in ["DE", 'FR'] and "x" in tags
            match probe: charge{3,} consecutive where amount < 2.00 and (count(probe) == 0 or amount > last(probe.amount)) until wire where amount > 1
             then not within 5m (wire where amount > 3 | charge where amount == 0)
             next not wire
             then any within 10m spend: charge where amount > large and country != last(probe.country) // why
             then (x: (charge | wire)+? combinations & (y: wire?? then z: wire{2,3}?) within 1m) | (w: wire* next v: charge within 2m){2}
             next event where kind like "a*b?" and `kind` not like "z" and more matches '\d+' and more not matches "q"
            within 1h
            after match skip to last probe
            alert high "{count(probe)} probes on {card}, {{x}} {spend.amount:,.2f} {time(spend) - time(first(probe))} {last(probe).device.os.name}" {
                probes: count(probe), spent: spend.amount ?? -1
                far: distance_km(1, 2.5, more.lat, more.lon) >= 10 and hour(time(spend), "Europe/Berlin") <= 6
                part: split(more.x, ",")[0]
                all: values(probe.country)
                span: time(last(probe)) - time(first(probe)) > 1h30m
            }
            on timeout alert info "late {ratio}" { n: round(avg(probe.amount), 2) }
            cancel on wire where account == "x"
            cancel on (charge | wire)
            cooldown 1h by card, spend.country
            limit 5 open drop newest
            limit 100 events
            tags a, b.c, "d-e"
            disabled
        }
        rule tree {
            by host
            match parent: process by pid then child: process where elevated and cidr(ip, "10.0.0.0/8") by ppid then not exit by pid within 5m
            cancel on reboot by id
            cancel on card.charge by id
            after match keep all
        }
        test "a title" {
            charge { card: "c1", amount: 1.00, "more": { a: [1, -2, null, true] } } after 5s
            card.charge { x: -0.5 }
            wait 10m
            expect everything { probes: 3, "spent": [1, {"a": null}] } at 1h
        }
        test "another" { wait 1s expect nothing }
        """#

    static let parsedOnly = #"""
        table merchants from "merchants.csv" key id
        list bad from "bad.txt"
        rule velocity {
            by card
            let spent = sum(charge.amount where ok) over 1h
            let before = count(charge) over previous 30d
            let some = distinct(charge.device) over last 100
            let day = max(charge.amount) over tumbling 1d
            let visit = min(charge.amount) over session 10m
            match charge where spent > 5000 and merchants[merchant].risk > 3
            emit derived.event { spent: spent }
        }
        rule hourly {
            by card
            window sliding 1h every 5m
            having count(charge) > 100
            alert low
        }
        rule daily { window tumbling 1d having count(x) > 1 }
        rule visit { window session 10m having count(x) > 1 }
        """#
}
