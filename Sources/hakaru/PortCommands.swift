import JSON

/// `hakaru port`: what is plugged in, and which model stands behind which adapter.
enum PortCommands {
    static let all = [list, bind, unbind]

    private static let list = Command(
        path: ["port", "list"], summary: "list what is plugged in, and what becomes of it"
    ) { call throws(CommandError) in
        let ports = try call.client.get("/v1/ports").items("ports")
        try call.list(
            ports, empty: "Nothing is plugged in, and no port is bound.", table: table(ports))
    }

    private static let bind = Command(
        path: ["port", "bind"], summary: "say which model stands behind an adapter",
        details: "PORT is a path that port list shows (1-1.2), or serial: and the adapter's serial "
            + "number, which stays with the adapter wherever it is plugged in. MODEL is a maker's "
            + "model or a profile id. Needs the administration group.",
        words: "PORT MODEL", wordCount: 2...2
    ) { call throws(CommandError) in
        let answer = try call.client.post("/v1/ports") { writer in
            writer.member("port", call.words[0])
            writer.member("model", call.words[1])
        }
        try call.tell(
            answer,
            "\(Plain.text(answer["place"])) is bound to \(Plain.text(answer["profile"])).")
    }

    private static let unbind = Command(
        path: ["port", "unbind"], summary: "forget which model stands behind an adapter",
        details: "PORT is written as for port bind. Needs the administration group.",
        words: "PORT", wordCount: 1...1
    ) { call throws(CommandError) in
        let place = SocketClient.escape(call.words[0])
        let answer = try call.client.delete("/v1/ports/" + place)
        try call.tell(answer, "\(Plain.text(answer["place"])) is not bound any more.")
    }

    static func table(_ ports: [JSONValue]) -> TextTable {
        var table = TextTable(["PORT", "DEVICE", "SERIAL", "LINE", "BOUND TO", "STATE"])
        for port in ports {
            let product = Plain.text(port["product"])
            let numbers = Plain.text(port["numbers"])
            table.add([
                Plain.text(port["place"]),
                product == Plain.none ? numbers : "\(product) (\(numbers))",
                Plain.text(port["serial"]), Plain.text(port["line"]), Plain.text(port["bound_to"]),
                Plain.text(port["state"]),
            ])
        }
        return table
    }
}
