/// What a peer's extension handshakes (BEP 10) have said of it and of us. Words of a stranger.
package struct PeerIntroduction: PoolCodable {
    package var peer: UInt32
    package var torrent: UInt16
    /// `v`, or what the peer id says, or empty; for people only.
    package var client: String
    /// `p`: where it listens; 0: it has not said.
    package var listenPort: UInt16
    /// `yourip`: how it sees us, 4 or 16 bytes; empty: it has not said.
    package var ourAddress: [UInt8]

    package init(peer: UInt32, torrent: UInt16, client: String, listenPort: UInt16, ourAddress: [UInt8]) {
        self.peer = peer
        self.torrent = torrent
        self.client = client
        self.listenPort = listenPort
        self.ourAddress = ourAddress
    }
    package func encode(into writer: inout FrameWriter) {
        writer.put(peer)
        writer.put(torrent)
        writer.put(text: client)
        writer.put(listenPort)
        writer.put(counted: ourAddress)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        peer = try reader.get()
        torrent = try reader.get()
        client = try reader.getText()
        listenPort = try reader.get()
        ourAddress = try reader.getCounted()
        guard [0, 4, 16].contains(ourAddress.count) else { throw .invalidField("ourAddress") }
    }

    static let sample = PeerIntroduction(
        peer: 5, torrent: 7, client: "x/1", listenPort: 6881, ourAddress: [192, 0, 2, 1])
}
