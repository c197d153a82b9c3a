import Foundation
import Testing

@testable import Supervisor

/// HTTPS against a server with a certificate that it signed itself.
@Suite(.serialized) struct HTTPClientTLSTests {
    @Test func selfSignedCertificateIsRefused() throws {
        let server = try TLSServer()
        let talk = try HTTPClientConversation()
        let failure = try #require(try talk.failure(server.url))
        guard case .notTrusted(let why) = failure.reason else {
            Issue.record("\(failure.reason)")
            return
        }
        #expect(why.contains("self-signed") || why.contains("self signed"))
        #expect(failure.description.hasPrefix("https://127.0.0.1:\(server.port): certificate refused ("))
    }

    /// The server closes its socket without the end of TLS ("close_notify"), and it gives no length.
    @Test func serverThatNeverEndsTLSIsHeardIfItsCertificateIsGiven() throws {
        let server = try TLSServer()
        let talk = try HTTPClientConversation { $0.caCertificateFile = UserPath(server.certificate) }
        let response = try talk.get(server.url).get()
        #expect(response == HTTPResponse(status: 200, body: Array("d8:intervali60ee".utf8)))
    }

    @Test func certificateOfAnotherNameIsRefused() throws {
        let server = try TLSServer()
        let talk = try HTTPClientConversation { $0.caCertificateFile = UserPath(server.certificate) }
        let failure = try #require(try talk.failure(server.url.replacing("127.0.0.1", with: "localhost")))
        guard case .notTrusted = failure.reason else {
            Issue.record("\(failure.reason)")
            return
        }
    }

    @Test func missingCertificateFileIsAnError() throws {
        let server = try TLSServer()
        let talk = try HTTPClientConversation { $0.caCertificateFile = "/nonexistent.pem" }
        #expect(try talk.failure(server.url) != nil)
    }
}

/// `https://127.0.0.1` by Python, with a key and a certificate for that address that openssl makes.
private final class TLSServer {
    let port: Int
    /// Path of the certificate.
    let certificate: String
    var url: String { "https://127.0.0.1:\(port)/announce" }
    private let directory: URL
    private let process: Process

    /// Answers every request in the same way and then closes the socket under TLS. Ends with its standard input.
    private static let script = """
        import os, socket, ssl, sys, threading
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        while True:
            plain, _ = listener.accept()
            try:
                secure = context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True)
                data = b""
                while b"\\r\\n\\r\\n" not in data:
                    part = secure.recv(4096)
                    if not part:
                        break
                    data += part
                secure.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\n\\r\\nd8:intervali60ee")
                # Takes the socket from under TLS: no close_notify is sent.
                os.close(secure.detach())
            except OSError:
                plain.close()
        """

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("http-client-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        certificate = directory.appendingPathComponent("certificate.pem").path
        let key = directory.appendingPathComponent("key.pem").path
        let openssl = try Self.start([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2",
            "-keyout", key, "-out", certificate, "-subj", "/CN=tracker", "-addext", "subjectAltName=IP:127.0.0.1",
        ])
        openssl.process.waitUntilExit()
        try #require(openssl.process.terminationStatus == 0, "openssl made no certificate")
        let python = try Self.start(["python3", "-c", Self.script, certificate, key])
        process = python.process
        let line = String(decoding: python.output.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)), "python3 gave no port")
    }

    deinit {
        // The child inherited a mask that blocks SIGTERM.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }

    private static func start(_ command: [String]) throws -> (process: Process, output: Pipe) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        return (process, output)
    }
}
