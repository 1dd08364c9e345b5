package storetest

import (
	"errors"
	"testing"

	"quire"
)

func defaultCommunity(t *testing.T, s Store) {
	c, err := s.Community(t.Context(), quire.DefaultCommunity)
	must(t, err)
	if c.ID != quire.DefaultCommunity || c.Name == "" || c.CreatedAt.IsZero() {
		t.Errorf("default community is %+v, want one with a name and a time of creation", c)
	}
	all, next, err := s.Communities(t.Context(), quire.CommunityFilter{})
	must(t, err)
	same(t, "communities of a new store", all, []quire.Community{c})
	same(t, "token", next, "")
}

func communities(t *testing.T, s Store) {
	ctx := t.Context()
	for name, labels := range map[string]map[string]string{
		"with labels":  {"a": "<1>", "б": ""},
		"empty labels": {},
		"no labels":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCommunity()
			c.Name, c.Description = name, "it's \"quoted\" – <&>\n"
			c.Labels, c.OrganizationID, c.ZoneID = labels, "org", "zone"
			want := operation(quire.OpCreateCommunity)
			want.CommunityID = c.ID
			got, err := s.CreateCommunity(ctx, c, want)
			must(t, err)
			result(t, got, c)
			want.Done, want.Result = true, got.Result
			same(t, "operation", got, want)
			stored, err := s.Community(ctx, c.ID)
			must(t, err)
			same(t, "community", stored, c)
		})
	}
	_, err := s.Community(ctx, "nobody")
	wantCode(t, err, quire.NotFound)
}

func communityFilters(t *testing.T, s Store) {
	var ids []quire.CommunityID
	for _, c := range []quire.Community{
		{Name: "Alpha", CreatedBy: "alice", OrganizationID: "o1"},
		{Name: "beta", Description: "after ALPHA", CreatedBy: "bob", OrganizationID: "o1"},
		{Name: "100%_sure", CreatedBy: "alice", OrganizationID: "o2"},
		{Name: "Продажи", Description: "Отчёты", CreatedBy: "carol", OrganizationID: "o3"},
		{Name: "tail", Description: "head", CreatedBy: "carol"},
	} {
		c.ID, c.CreatedAt = quire.CommunityID(quire.NewID()), start
		ids = append(ids, addCommunity(t, s, c).ID)
	}
	for _, test := range []struct {
		name   string
		filter quire.CommunityFilter
		want   []quire.CommunityID
	}{
		{"name or description, any case", quire.CommunityFilter{Pattern: "aLPh"}, ids[0:2]},
		{"any script", quire.CommunityFilter{Pattern: "ПРОДАЖ"}, ids[3:4]},
		{"any script in the description", quire.CommunityFilter{Pattern: "оТЧЁТ"}, ids[3:4]},
		{"percent is a letter", quire.CommunityFilter{Pattern: "%"}, ids[2:3]},
		{"underscore is a letter", quire.CommunityFilter{Pattern: "_"}, ids[2:3]},
		{"backslash is a letter", quire.CommunityFilter{Pattern: `\`}, nil},
		{"not across name and description", quire.CommunityFilter{Pattern: "lh"}, nil},
		{"creator", quire.CommunityFilter{CreatedBy: "alice"}, []quire.CommunityID{ids[0], ids[2]}},
		{"organization", quire.CommunityFilter{OrganizationID: "o1"}, ids[0:2]},
		{"all at once", quire.CommunityFilter{Pattern: "a", CreatedBy: "bob", OrganizationID: "o1"}, ids[1:2]},
		{"nothing fits", quire.CommunityFilter{Pattern: "a", CreatedBy: "nobody"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, next, err := s.Communities(t.Context(), test.filter)
			must(t, err)
			var got []quire.CommunityID
			for _, c := range found {
				got = append(got, c.ID)
			}
			same(t, "ids", got, test.want)
			same(t, "token", next, "")
		})
	}
}

func updateCommunity(t *testing.T, s Store) {
	ctx := t.Context()
	old := newCommunity()
	old.Labels = map[string]string{"a": "1"}
	addCommunity(t, s, old)

	refused := errors.New("refused")
	op := operation(quire.OpUpdateCommunity)
	_, err := s.UpdateCommunity(ctx, old.ID, op, func(c *quire.Community) error {
		c.Name = "half done"
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatalf("error %v, want the one that change returned", err)
	}
	_, err = s.Operation(ctx, op.ID)
	wantCode(t, err, quire.NotFound)
	stored, err := s.Community(ctx, old.ID)
	must(t, err)
	same(t, "community after a refused change", stored, old)

	want := old
	want.Name, want.Description, want.Labels, want.OrganizationID, want.ZoneID = "new name", "Ünd", nil, "o", "z"
	op, err = s.UpdateCommunity(ctx, old.ID, operation(quire.OpUpdateCommunity), func(c *quire.Community) error {
		same(t, "community to change", *c, old)
		*c = want
		c.ID, c.CreatedBy, c.CreatedAt = "other", "mallory", start.AddDate(1, 0, 0) // stay as they were
		return nil
	})
	must(t, err)
	result(t, op, want)
	stored, err = s.Community(ctx, old.ID)
	must(t, err)
	same(t, "community", stored, want)
	found, _, err := s.Communities(ctx, quire.CommunityFilter{Pattern: "üND"})
	must(t, err)
	same(t, "communities found by the new description", found, []quire.Community{want})

	_, err = s.UpdateCommunity(ctx, "nobody", operation(quire.OpUpdateCommunity), func(*quire.Community) error {
		t.Error("change called for a community that does not exist")
		return nil
	})
	wantCode(t, err, quire.NotFound)
}

func deleteCommunity(t *testing.T, s Store) {
	ctx := t.Context()
	remove := func(id quire.CommunityID) (quire.Operation, error) {
		return s.DeleteCommunity(ctx, id, operation(quire.OpDeleteCommunity))
	}
	_, err := remove(quire.DefaultCommunity)
	wantCode(t, err, quire.FailedPrecondition)
	_, err = remove("nobody")
	wantCode(t, err, quire.NotFound)

	c := addCommunity(t, s, newCommunity())
	p := newProject()
	p.CommunityID = c.ID
	addProject(t, s, p)
	_, err = remove(c.ID)
	wantCode(t, err, quire.FailedPrecondition)
	_, err = s.Community(ctx, c.ID)
	must(t, err)

	deletion, err := s.DeleteProject(ctx, p.ID, operation(quire.OpDeleteProject))
	must(t, err)
	op, err := remove(c.ID)
	must(t, err)
	result(t, op, nil)
	_, err = s.Community(ctx, c.ID)
	wantCode(t, err, quire.NotFound)
	_, err = remove(c.ID)
	wantCode(t, err, quire.NotFound)

	// The project that still waited outlives its community.
	must(t, s.PurgeProject(ctx, p.ID))
	op, err = s.Operation(ctx, deletion.ID)
	must(t, err)
	result(t, op, nil)
}
