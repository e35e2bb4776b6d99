// Package fanfare is a client of Fanfare, a realtime fan-out service.
//
// It sends events to channels, and receives those of others without missing
// one: a [Subscription] comes back by itself after every cut, from where it was.
// Messages are the generated ones, in fanfare.dev/gen/fanfare/v1.
package fanfare

//go:generate sh -c "cd .. && buf generate ../.. && cp ../service-config.json fanfare/"
