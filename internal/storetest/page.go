package storetest

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"quire"
	"quire/internal/service"
)

// rows is how many rows the paging tests walk over, pageSize how many at a time.
const (
	rows     = 250
	pageSize = 37
)

func pageCommunities(t *testing.T, s Store) {
	add := func() (quire.CommunityID, error) {
		c := newCommunity()
		c.OrganizationID = "o"
		_, err := s.CreateCommunity(t.Context(), c, operation(quire.OpCreateCommunity))
		return c.ID, err
	}
	walk(t, false, add, func(page quire.Page) (ids []quire.CommunityID, next string, err error) {
		found, next, err := s.Communities(t.Context(), quire.CommunityFilter{OrganizationID: "o", Page: page})
		for _, c := range found {
			ids = append(ids, c.ID)
		}
		return ids, next, err
	})
}

func pageProjects(t *testing.T, s Store) {
	add := func() (quire.ProjectID, error) {
		p := newProject()
		_, err := s.CreateProject(t.Context(), p, operation(quire.OpCreateProject))
		return p.ID, err
	}
	walk(t, false, add, func(page quire.Page) (ids []quire.ProjectID, next string, err error) {
		found, next, err := s.Projects(t.Context(), quire.ProjectFilter{NamePattern: "A PROJECT", Page: page})
		for _, p := range found {
			ids = append(ids, p.ID)
		}
		return ids, next, err
	})
}

func pageExecutions(t *testing.T, s Store) {
	p := addProject(t, s, newProject())
	add := func() (quire.ExecutionID, error) {
		e := newExecution(p.ID)
		_, err := s.CreateExecution(t.Context(), e, executeOperation(e), service.QueueLimits{})
		return e.ID, err
	}
	walk(t, true, add, func(page quire.Page) (ids []quire.ExecutionID, next string, err error) {
		found, next, err := s.Executions(t.Context(), quire.ExecutionFilter{ProjectID: p.ID, Page: page})
		for _, e := range found {
			ids = append(ids, e.ID)
		}
		return ids, next, err
	})
}

// walk pages through the rows that were there at first while others are added,
// and wants each of them once and in order.
func walk[ID comparable](t *testing.T, newest bool, add func() (ID, error), list func(quire.Page) ([]ID, string, error)) {
	var want []ID
	for range rows {
		id, err := add()
		must(t, err)
		want = append(want, id)
	}
	if newest {
		slices.Reverse(want)
	}

	var adding sync.WaitGroup
	var failed error
	stop := make(chan struct{})
	adding.Go(func() {
		for failed == nil {
			select {
			case <-stop:
				return
			default:
				_, failed = add()
			}
		}
	})
	there := map[ID]bool{}
	for _, id := range want {
		there[id] = true
	}
	var got []ID
	seen := map[ID]bool{}
	token := ""
	for pages := 0; len(got) < rows && (pages == 0 || token != ""); pages++ {
		ids, next, err := list(quire.Page{Size: pageSize, Token: token})
		must(t, err)
		if url.QueryEscape(next) != next {
			t.Errorf("token %q cannot stand in a URL as it is", next)
		}
		if next != "" && len(ids) != pageSize {
			t.Fatalf("page %d has %d rows, want %d", pages, len(ids), pageSize)
		}
		for _, id := range ids {
			if seen[id] {
				t.Fatalf("%v came twice", id)
			}
			seen[id] = true
			if there[id] {
				got = append(got, id)
			}
		}
		token = next
	}
	close(stop)
	adding.Wait()
	must(t, failed)
	same(t, "rows that were there at first", got, want)
}

func pageTokens(t *testing.T, s Store) {
	ctx := t.Context()
	for range 3 {
		addProject(t, s, newProject())
		addCommunity(t, s, newCommunity())
	}
	_, projects, err := s.Projects(ctx, quire.ProjectFilter{CommunityID: quire.DefaultCommunity, Page: quire.Page{Size: 1}})
	must(t, err)
	_, communities, err := s.Communities(ctx, quire.CommunityFilter{Page: quire.Page{Size: 1}})
	must(t, err)
	for name, token := range map[string]string{
		"garbage":                 "garbage",
		"not base64":              "§$%",
		"long":                    strings.Repeat("A", 10000),
		"cut":                     projects[:len(projects)-1],
		"longer":                  projects + "A",
		"changed":                 strings.Map(func(r rune) rune { return r ^ 1 }, projects),
		"of another list":         communities,
		"SQL":                     "0 OR 1=1",
		"a number":                "1",
		"of another list's limit": projects + communities,
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := s.Projects(ctx, quire.ProjectFilter{CommunityID: quire.DefaultCommunity, Page: quire.Page{Token: token}})
			wantField(t, err, "page_token")
		})
	}
	_, _, err = s.Projects(ctx, quire.ProjectFilter{CreatedBy: "alice", Page: quire.Page{Token: projects}})
	wantField(t, err, "page_token") // another filter is another list

	// The last page says that it is the last, also when it is full.
	rest, next, err := s.Projects(ctx, quire.ProjectFilter{
		CommunityID: quire.DefaultCommunity, Page: quire.Page{Size: 2, Token: projects},
	})
	must(t, err)
	if len(rest) != 2 || next != "" {
		t.Errorf("last page has %d rows and the token %q, want 2 and none", len(rest), next)
	}
}

func pageSizes(t *testing.T, s Store) {
	for range quire.DefaultPageSize + 1 {
		addProject(t, s, newProject())
	}
	for _, test := range []struct{ size, want int }{
		{0, quire.DefaultPageSize},
		{1, 1},
		{quire.MaxPageSize, quire.DefaultPageSize + 1},
		{quire.MaxPageSize + 1, quire.DefaultPageSize + 1},
	} {
		found, _, err := s.Projects(t.Context(), quire.ProjectFilter{Page: quire.Page{Size: test.size}})
		must(t, err)
		if len(found) != test.want {
			t.Errorf("page of size %d has %d rows, want %d", test.size, len(found), test.want)
		}
	}
	_, _, err := s.Projects(t.Context(), quire.ProjectFilter{Page: quire.Page{Size: -1}})
	wantField(t, err, "page_size")
}

func wantField(t *testing.T, err error, field string) {
	t.Helper()
	wantCode(t, err, quire.InvalidArgument)
	if e, ok := errors.AsType[*quire.Error](err); ok && e.Field != field {
		t.Errorf("error is about the field %q, want %q", e.Field, field)
	}
}
