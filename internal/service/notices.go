package service

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"quire"
	"quire/internal/crash"
)

const (
	noticeBatch   = 64
	noticesAtOnce = 8
	noticeRetry   = 5 * time.Second  // from a store that failed to the next attempt
	noticeWait    = 10 * time.Minute // as scheduleWait

	// keepDeliveries is how long a delivery can be asked for after its end.
	keepDeliveries = 30 * 24 * time.Hour
)

// pauses are the times between the tries of a delivery, about half a day in
// all; each is made longer or shorter by up to a fifth.
var pauses = [quire.MaxDeliveryTries - 1]time.Duration{
	10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 8 * time.Hour,
}

// notifyUntilDone sends notices when they are due, until ctx ends.
func (s *Service) notifyUntilDone(ctx context.Context) {
	for {
		noticed := s.store.Noticed()
		wait, err := s.notifyDue(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "notices are not sent", "error", err)
			wait = noticeRetry
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-noticed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// notifyDue makes a try of each delivery that is due, and returns how long to
// wait for the next.
func (s *Service) notifyDue(ctx context.Context) (time.Duration, error) {
	for {
		due, next, err := s.store.DueDeliveries(ctx, s.now(), noticeBatch)
		if err != nil {
			return 0, err
		}
		if len(due) == 0 {
			if next.IsZero() {
				return noticeWait, nil
			}
			return min(max(next.Sub(s.now()), 0), noticeWait), nil
		}
		sending, sendCtx := errgroup.WithContext(ctx)
		sending.SetLimit(noticesAtOnce)
		for _, d := range due {
			sending.Go(func() error { return s.deliver(sendCtx, d) })
		}
		if err := sending.Wait(); err != nil {
			return 0, err
		}
	}
}

// deliver makes one try. A server that dies between the try and its storing
// makes it once more: the receiver knows it by the delivery's id.
func (s *Service) deliver(ctx context.Context, d quire.Delivery) error {
	w, err := s.store.Webhook(ctx, d.WebhookID)
	if quire.CodeOf(err) == quire.NotFound { // deleted meanwhile, or its project is being
		d.State, d.Next, d.Ended, d.Message = quire.DeliveryFailed, time.Time{}, s.now().UTC(), "The webhook is gone."
		return s.store.SaveDelivery(ctx, d)
	}
	if err != nil {
		return err
	}
	crash.At(crash.NoticeBegin)
	status, err := s.sender.Send(ctx, w, d)
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // the server stops: that is no fault of the receiver's
	}
	crash.At(crash.NoticeSent)
	now := s.now().UTC()
	d.Tries, d.Status, d.Message, d.Next = d.Tries+1, status, "", time.Time{}
	switch {
	case err == nil:
		d.State, d.Ended = quire.DeliveryDelivered, now
	case d.Tries >= quire.MaxDeliveryTries:
		d.State, d.Ended, d.Message = quire.DeliveryFailed, now, err.Error()
		s.log.WarnContext(ctx, "notice is given up", "webhook_id", w.ID, "execution_id", d.Notice.Execution)
	default:
		d.Message = err.Error()
		d.Next = now.Add(jitter(pauses[d.Tries-1]))
	}
	return s.store.SaveDelivery(ctx, d)
}

func jitter(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5) //nolint:gosec // nobody gains by guessing it
}
