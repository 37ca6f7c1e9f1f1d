// Package wire holds the messages that Invigil's parts exchange over HTTP and
// WebSocket, as docs/protocol.md describes them, and nothing else: no behaviour,
// no I/O. Times on the wire are milliseconds since the Unix epoch (UTC), so that
// a browser reads them without parsing.
package wire
