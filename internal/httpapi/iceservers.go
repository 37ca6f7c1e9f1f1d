package httpapi

import (
	"fmt"
	"net/http"

	"github.com/invigil/invigil/internal/wire"
)

// LinkIceServers adds ICE servers to a WHIP or WHEP answer (RFC 9725, section 4.6).
func LinkIceServers(header http.Header, servers []wire.IceServer) {
	for _, server := range servers {
		for _, url := range server.URLs {
			link := fmt.Sprintf("<%s>; rel=\"ice-server\"", url)
			if server.Username != "" {
				link += fmt.Sprintf("; username=%q; credential=%q; credential-type=\"password\"",
					server.Username, server.Credential)
			}

			header.Add("Link", link)
		}
	}
}
