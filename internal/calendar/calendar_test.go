package calendar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quire"
	"quire/internal/calendar"
)

func TestNext(t *testing.T) {
	tests := []struct {
		name, cron, zone string
		after            string
		want             []string
	}{
		{"daily over the clocks going forward", "30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", []string{
			"2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00",
		}},
		{"several skipped times are one", "*/15 2 * * *", "Europe/Berlin", "2026-03-28T01:30:00Z", []string{
			"2026-03-28T02:45:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:00:00+02:00",
		}},
		{"skipped and the moment after is one", "0,30 2,3 * * *", "Europe/Berlin", "2026-03-28T03:00:00Z", []string{
			"2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00",
		}},
		{"daily over the clocks going back", "30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", []string{
			"2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
		}},
		{"hourly over the clocks going forward", "0 * * * *", "America/New_York", "2026-03-08T05:30:00Z", []string{
			"2026-03-08T01:00:00-05:00", "2026-03-08T03:00:00-04:00",
		}},
		{"hourly over the clocks going back", "0 * * * *", "America/New_York", "2026-11-01T04:30:00Z", []string{
			"2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00", "2026-11-01T02:00:00-05:00",
		}},
		{"half an hour back", "45 1 * * *", "Australia/Lord_Howe", "2026-04-03T20:00:00Z", []string{
			"2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30",
		}},
		{"half an hour forward", "15 2 * * *", "Australia/Lord_Howe", "2026-10-02T20:00:00Z", []string{
			"2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00",
		}},
		{"a day that a zone has left out", "0 12 30 12 *", "Pacific/Apia", "2011-01-01T00:00:00Z", []string{
			"2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00",
		}},
		{"an offset of 45 minutes", "0 9 * * mon-fri", "Asia/Kathmandu", "2026-11-27T03:15:00Z", []string{"2026-11-30T09:00:00+05:45"}},
		{"a leap day", "0 0 29 2 *", "", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"a shorthand", "@Daily", "Asia/Kolkata", "2026-01-01T00:00:00Z", []string{"2026-01-02T00:00:00+05:30"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := calendar.New(quire.ScheduleTiming{Cron: tt.cron, Zone: tt.zone})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			at := parse(t, tt.after)
			for range tt.want {
				at = c.Next(at)
				got = append(got, at.Format(time.RFC3339))
			}
			if diff := cmp.Diff(got, tt.want); diff != "" {
				t.Errorf("due times (-got +want):\n%s", diff)
			}
		})
	}
}

func parse(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestInterval(t *testing.T) {
	anchor := parse(t, "2026-01-01T00:00:10Z")
	c, err := calendar.New(quire.ScheduleTiming{Interval: time.Hour, Anchor: anchor})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ after, want time.Duration }{
		{-time.Hour, time.Hour}, {0, time.Hour}, {time.Hour - 1, time.Hour}, {time.Hour, 2 * time.Hour}, {1000*time.Hour + 5, 1001 * time.Hour},
	} {
		if got, want := c.Next(anchor.Add(tt.after)), anchor.Add(tt.want); !got.Equal(want) {
			t.Errorf("after %s: got %s, want %s", tt.after, got, want)
		}
	}
}

// What a day's clock shows is due once each, whatever was done to the clocks.
func TestEveryDayOnce(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo"} {
		for _, expression := range []string{"0 0 * * *", "30 1 * * *", "59 1 * * *", "0 2 * * *", "15 2 * * *", "0 3 * * *"} {
			c, err := calendar.New(quire.ScheduleTiming{Cron: expression, Zone: zone})
			if err != nil {
				t.Fatal(err)
			}
			day := time.Date(2010, 1, 1, 12, 0, 0, 0, c.Zone())
			for at := c.Next(day); at.Year() < 2013; at = c.Next(at) {
				day = day.AddDate(0, 0, 1)
				if at.Year() != day.Year() || at.YearDay() != day.YearDay() {
					t.Fatalf("%s in %s: due at %s, want it on %s", expression, zone, at, day.Format(time.DateOnly))
				}
			}
		}
	}
}

// What follows the time that passes does so by the minute.
func TestEveryQuarterOfAnHour(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"} {
		c, err := calendar.New(quire.ScheduleTiming{Cron: "*/15 * * * *", Zone: zone})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, c.Zone())
		for at.Year() < 2027 {
			next := c.Next(at)
			if next.Sub(at) != 15*time.Minute {
				t.Fatalf("%s: %s follows %s", zone, next, at)
			}
			at = next
		}
	}
}

func TestNewest(t *testing.T) {
	c, err := calendar.New(quire.ScheduleTiming{Cron: "* 3 * * *"})
	if err != nil {
		t.Fatal(err)
	}
	first := parse(t, "1990-01-01T03:00:00Z")
	now := parse(t, "2026-01-02T12:00:00Z")
	got := c.Newest(first, now, 61)
	if len(got) != 61 || !got[0].Equal(parse(t, "2026-01-01T03:59:00Z")) || !got[60].Equal(parse(t, "2026-01-02T03:59:00Z")) {
		t.Errorf("got %v", got)
	}
	if got := c.Newest(first, first.Add(90*time.Second), 61); len(got) != 2 || !got[0].Equal(first) {
		t.Errorf("got %v, want the first two", got)
	}
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		timing      quire.ScheduleTiming
		field, want string
	}{
		{quire.ScheduleTiming{}, "cron", "one of them"},
		{quire.ScheduleTiming{Cron: "@daily", Interval: time.Hour}, "cron", "one of them"},
		{quire.ScheduleTiming{Cron: "* * * *"}, "cron", "five fields"},
		{quire.ScheduleTiming{Cron: "0 0 * * * *"}, "cron", "five fields"},
		{quire.ScheduleTiming{Cron: "@every 1s"}, "cron", "five fields"},
		{quire.ScheduleTiming{Cron: "@reboot"}, "cron", "five fields"},
		{quire.ScheduleTiming{Cron: "TZ=UTC 0 0 * * *"}, "cron", "five fields"},
		{quire.ScheduleTiming{Cron: "TZ=UTC 0 * * *"}, "cron", "cannot be read"},
		{quire.ScheduleTiming{Cron: "60 * * * *"}, "cron", "cannot be read"},
		{quire.ScheduleTiming{Cron: "* * * * x"}, "cron", "cannot be read"},
		{quire.ScheduleTiming{Cron: "0 0 31 2 *"}, "cron", "never due"},
		{quire.ScheduleTiming{Cron: strings.Repeat("1", 1000)}, "cron", "at most"},
		{quire.ScheduleTiming{Cron: "@daily", Zone: "Europe/Bonn"}, "time_zone", "no time zone"},
		{quire.ScheduleTiming{Cron: "@daily", Zone: "Local"}, "time_zone", "no time zone"},
		{quire.ScheduleTiming{Cron: "@daily", Zone: "../../etc/passwd"}, "time_zone", "no time zone"},
		{quire.ScheduleTiming{Interval: time.Second}, "interval", "from 1m0s"},
		{quire.ScheduleTiming{Interval: -time.Hour}, "interval", "from 1m0s"},
		{quire.ScheduleTiming{Interval: time.Hour + 1}, "interval", "whole seconds"},
	} {
		_, err := calendar.New(tt.timing)
		if quire.CodeOf(err) != quire.InvalidArgument || !strings.HasPrefix(err.Error(), tt.field+": ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: got %v, want %s: … %s", tt.timing, err, tt.field, tt.want)
		}
	}
}

func FuzzNew(f *testing.F) {
	f.Add("30 2 * * *", "Europe/Berlin", int64(1_700_000_000))
	f.Add("*/5 1-4,22 29 2 mon", "America/New_York", int64(0))
	f.Fuzz(func(t *testing.T, expression, zone string, seconds int64) {
		c, err := calendar.New(quire.ScheduleTiming{Cron: expression, Zone: zone})
		if err != nil {
			if quire.CodeOf(err) != quire.InvalidArgument {
				t.Fatal(err)
			}
			return
		}
		at := time.Unix(seconds%4_000_000_000, 0)
		for range 5 {
			next := c.Next(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) {
				t.Fatalf("%s is due at %s, and then at %s", expression, at, next)
			}
			at = next
		}
	})
}
