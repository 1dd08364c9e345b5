package quire

import "time"

// CommunityID identifies a community.
type CommunityID string

// DefaultCommunity is there from the start and cannot be deleted.
const DefaultCommunity CommunityID = "default"

// Community is a group of projects.
type Community struct {
	ID             CommunityID
	Name           string
	Description    string
	Labels         map[string]string
	OrganizationID string
	ZoneID         string
	CreatedBy      string
	CreatedAt      time.Time
}

// CommunityFilter narrows a list of communities; empty fields do not narrow.
type CommunityFilter struct {
	Pattern        string // case-insensitive substring of the name or the description
	CreatedBy      string
	OrganizationID string
	Page           Page
}
