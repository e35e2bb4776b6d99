package fanfare

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

const domain = "fanfare.v1"

// Reason tells why the node refused, as "INVALID_CHANNEL": decide by it, and by
// the code that [status.Code] gives. It is empty for what is not the node's own
// error, such as a connection that broke.
func Reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Domain == domain {
			return info.Reason
		}
	}
	return ""
}

// RetryDelay tells for how long the node asked to stay away; 0 if it did not.
func RetryDelay(err error) time.Duration {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.RetryDelay.AsDuration()
		}
	}
	return 0
}
