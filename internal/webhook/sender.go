// Package webhook sends notices to the addresses that clients name: signed,
// within bounds of time and size, and to no address that only this machine or
// its network can reach.
//
// What is sent when, and what happens after a failure, is for the package
// service.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"quire"
	"quire/internal/service"
)

var _ service.Sender = (*Sender)(nil)

const defaultTimeout = 10 * time.Second

// Options of a Sender; nil means the defaults.
type Options struct {
	Allow   []netip.Prefix // networks that may be called though they are private
	Timeout time.Duration  // of one try, from the look-up of the name to the answer's header; default 10 s
	RootCAs *x509.CertPool // default: the system's
	Now     func() time.Time
}

// Sender sends notices. It is safe for concurrent use.
type Sender struct {
	client *http.Client
	allow  []netip.Prefix
	now    func() time.Time
}

// New returns a Sender.
func New(o *Options) *Sender {
	if o == nil {
		o = &Options{}
	}
	s := &Sender{allow: o.Allow, now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	timeout := o.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	dialer := &net.Dialer{Timeout: timeout, Control: s.control}
	s.client = &http.Client{
		Timeout: timeout,
		// A redirect would lead a signed notice to where nobody has sent it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil, // it would make the connection in our place, and not look where to
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return s
}

// Check implements service.Sender.
func (s *Sender) Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return quire.Invalid("url", "must be an address that begins with https:// or http://")
	case u.User != nil:
		return quire.Invalid("url", "must hold no user name or password: what is sent is signed with the secret")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && !s.allowed(ip) {
		return quire.Invalid("url", "%s", errForbidden.Error())
	}
	return nil
}

// Send implements service.Sender.
func (s *Sender) Send(ctx context.Context, w quire.Webhook, d quire.Delivery) (int, error) {
	body, err := payload(w.Format, d)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the URL is not well formed")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Quire")
	req.Header.Set("Quire-Event", string(d.Event))
	req.Header.Set("Quire-Delivery", string(d.ID))
	req.Header.Set("Quire-Signature", Sign(w.Secret, s.now(), body))
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, explain(err)
	}
	defer resp.Body.Close() // what it says is of no use to anyone
	switch resp.StatusCode / 100 {
	case 2:
		return resp.StatusCode, nil
	case 3:
		return resp.StatusCode, fmt.Errorf("it answered %d; redirects are not followed", resp.StatusCode)
	}
	return resp.StatusCode, fmt.Errorf("it answered %d", resp.StatusCode)
}

// Sign returns the header Quire-Signature: the time, and the HMAC-SHA256 of
// the time, a point and the body under the secret.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// explain says why no answer came, without what the network behind the server
// looks like.
func explain(err error) error {
	var timeout net.Error
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, errForbidden):
		return errForbidden
	case unverified:
		return errors.New("its TLS certificate is not valid")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("it did not answer in time")
	case unknown:
		return errors.New("its name is not known")
	}
	return errors.New("it could not be reached")
}
