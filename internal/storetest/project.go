package storetest

import (
	"errors"
	"testing"
	"time"

	"quire"
)

// fullProject returns a project with every field set.
func fullProject() quire.Project {
	p := newProject()
	p.Description = "all of it"
	p.Labels = map[string]string{"team": "data"}
	p.Settings = quire.ProjectSettings{
		ServiceAccountID:    "sa",
		SubnetID:            "subnet",
		DataProcClusterID:   "cluster",
		SecurityGroupIDs:    []string{"g1", "g2"},
		EarlyAccess:         true,
		IDE:                 "JUPYTER_LAB",
		DefaultFolderID:     "folder",
		StaleTimeout:        quire.StaleThreeHours,
		VMInactivityTimeout: 90 * time.Minute,
		DefaultSpec:         "g1.1",
	}
	p.Policy = quire.Policy{MaxRunning: 1, MaxQueued: 2, Priority: -3, MaxAttempts: 4, KeepFor: 5, KeepLast: 6, NoLearning: true}
	p.Limits = quire.ProjectLimits{MaxUnitsPerHour: new(int64(1 << 60)), MaxUnitsPerExecution: new(int64(0))}
	p.Run = quire.DefaultRunSettings()
	return p
}

func projects(t *testing.T, s Store) {
	ctx := t.Context()
	empties := newProject()
	empties.Labels, empties.Settings.SecurityGroupIDs = map[string]string{}, []string{}
	for name, p := range map[string]quire.Project{"full": fullProject(), "bare": newProject(), "empty maps": empties} {
		t.Run(name, func(t *testing.T) {
			op := operation(quire.OpCreateProject)
			op.ProjectID = p.ID
			got, err := s.CreateProject(ctx, p, op)
			must(t, err)
			result(t, got, p)
			stored, err := s.Project(ctx, p.ID)
			must(t, err)
			same(t, "project", stored, p)
		})
	}
	_, err := s.Project(ctx, "nobody")
	wantCode(t, err, quire.NotFound)

	lost := newProject()
	lost.CommunityID = "nobody"
	op := operation(quire.OpCreateProject)
	_, err = s.CreateProject(ctx, lost, op)
	wantCode(t, err, quire.NotFound)
	_, err = s.Operation(ctx, op.ID)
	wantCode(t, err, quire.NotFound)
}

func projectFilters(t *testing.T, s Store) {
	c := addCommunity(t, s, newCommunity())
	var ids []quire.ProjectID
	for _, p := range []quire.Project{
		{Name: "Sales", CommunityID: c.ID, CreatedBy: "alice"},
		{Name: "sales 50%", CommunityID: quire.DefaultCommunity, CreatedBy: "bob"},
		{Name: "Ärger", Description: "sales", CommunityID: c.ID, CreatedBy: "bob"},
		{Name: "Sales", CommunityID: c.ID, CreatedBy: "bob"}, // names need not be unique
	} {
		p.ID, p.CreatedAt = quire.ProjectID(quire.NewID()), start
		ids = append(ids, addProject(t, s, p).ID)
	}
	for _, test := range []struct {
		name   string
		filter quire.ProjectFilter
		want   []quire.ProjectID
	}{
		{"none", quire.ProjectFilter{}, ids},
		{"community", quire.ProjectFilter{CommunityID: c.ID}, []quire.ProjectID{ids[0], ids[2], ids[3]}},
		{"unknown community", quire.ProjectFilter{CommunityID: "nobody"}, nil},
		{"name only, any case", quire.ProjectFilter{NamePattern: "SAL"}, []quire.ProjectID{ids[0], ids[1], ids[3]}},
		{"any script", quire.ProjectFilter{NamePattern: "äR"}, ids[2:3]},
		{"percent is a letter", quire.ProjectFilter{NamePattern: "0%"}, ids[1:2]},
		{"underscore is a letter", quire.ProjectFilter{NamePattern: "_"}, nil},
		{"creator", quire.ProjectFilter{CreatedBy: "bob"}, ids[1:4]},
		{"all at once", quire.ProjectFilter{CommunityID: c.ID, NamePattern: "s", CreatedBy: "bob"}, ids[3:4]},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, next, err := s.Projects(t.Context(), test.filter)
			must(t, err)
			var got []quire.ProjectID
			for _, p := range found {
				got = append(got, p.ID)
			}
			same(t, "ids", got, test.want)
			same(t, "token", next, "")
		})
	}
}

func updateProject(t *testing.T, s Store) {
	ctx := t.Context()
	old := addProject(t, s, fullProject())

	refused := quire.Invalid("name", "must not be empty")
	op := operation(quire.OpUpdateProject)
	_, err := s.UpdateProject(ctx, old.ID, op, func(p *quire.Project) error {
		p.Labels["team"] = "half done"
		return refused
	})
	if e, ok := errors.AsType[*quire.Error](err); !ok || e != refused {
		t.Fatalf("error %v, want the one that change returned", err)
	}
	_, err = s.Operation(ctx, op.ID)
	wantCode(t, err, quire.NotFound)
	stored, err := s.Project(ctx, old.ID)
	must(t, err)
	same(t, "project after a refused change", stored, fullAs(old))

	c := addCommunity(t, s, newCommunity())
	want := newProject()
	want.ID, want.CommunityID, want.Name = old.ID, c.ID, "Neuer Name"
	op, err = s.UpdateProject(ctx, old.ID, operation(quire.OpUpdateProject), func(p *quire.Project) error {
		*p = want
		p.ID, p.CreatedBy, p.CreatedAt = "other", "mallory", start.AddDate(1, 0, 0) // stay as they were
		return nil
	})
	must(t, err)
	result(t, op, want)
	stored, err = s.Project(ctx, old.ID)
	must(t, err)
	same(t, "project", stored, want)
	found, _, err := s.Projects(ctx, quire.ProjectFilter{NamePattern: "NEUER", CommunityID: c.ID})
	must(t, err)
	same(t, "projects found by the new name", found, []quire.Project{want})

	_, err = s.UpdateProject(ctx, old.ID, operation(quire.OpUpdateProject), func(p *quire.Project) error {
		p.CommunityID = "nobody"
		return nil
	})
	wantCode(t, err, quire.NotFound)
	_, err = s.UpdateProject(ctx, "nobody", operation(quire.OpUpdateProject), func(*quire.Project) error {
		t.Error("change called for a project that does not exist")
		return nil
	})
	wantCode(t, err, quire.NotFound)
}

// fullAs returns a full project with the identity of p.
func fullAs(p quire.Project) quire.Project {
	full := fullProject()
	full.ID = p.ID
	return full
}
