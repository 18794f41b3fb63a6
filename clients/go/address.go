package lethe

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	// Names of gRPC's own, such as dns:///host:8080 and unix:/path.
	ofGRPC  = regexp.MustCompile(`^((dns|ipv4|ipv6|unix|unix-abstract|vsock|xds|passthrough):/|(ipv4|ipv6|unix|unix-abstract|vsock):)`)
	address = regexp.MustCompile(`^(?i:(https?)://)?(\[[0-9a-fA-F:.]+(?:%\w+)?\]|[^\s:/?#@\[\]]+)(?::(\d{1,5}))?(/)?$`)
)

// target is what gRPC calls an address, and whether the address says that TLS is spoken; nil: it says nothing of it.
func target(text string) (string, *bool, error) {
	if ofGRPC.MatchString(text) {
		return text, nil, nil
	}
	parts := address.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil || parts[4] != "" && parts[1] == "" {
		return "", nil, invalid("address", "is %q; it must be HOST, HOST:PORT, http://HOST:PORT or https://HOST:PORT, for "+
			"example localhost:8080", text)
	}
	port, tls := "8080", (*bool)(nil)
	if scheme := strings.ToLower(parts[1]); scheme != "" {
		secure := scheme == "https"
		tls = &secure
		port = map[bool]string{false: "80", true: "443"}[secure]
	}
	if parts[3] != "" {
		port = parts[3]
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		return "", nil, invalid("address", "is %q; its port must be from 1 to 65535", text)
	}
	return parts[2] + ":" + port, tls, nil
}
