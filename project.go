package quire

import "time"

// ProjectID identifies a project; at most 50 characters.
type ProjectID string

// Project is a folder of files with the settings under which its notebooks run.
type Project struct {
	ID          ProjectID
	CommunityID CommunityID
	Name        string // 1–63 characters
	Description string
	Labels      map[string]string
	Settings    ProjectSettings
	Limits      ProjectLimits
	Run         RunSettings
	Policy      Policy
	CreatedBy   string
	CreatedAt   time.Time
}

// ProjectSettings are DataSphere's Project.Settings. Quire acts on
// StaleTimeout, VMInactivityTimeout and DefaultSpec, and keeps the rest.
type ProjectSettings struct {
	ServiceAccountID    string
	SubnetID            string
	DataProcClusterID   string
	SecurityGroupIDs    []string
	EarlyAccess         bool
	IDE                 string // the enum's name in the API, e.g. JUPYTER_LAB
	DefaultFolderID     string
	StaleTimeout        StaleTimeout
	VMInactivityTimeout time.Duration
	DefaultSpec         string // name in the Catalogue; empty means the server's default
}

// StaleTimeout says after how long an execution without load is stopped:
// the name of DataSphere's StaleExecutionTimeoutMode.
type StaleTimeout string

// The modes. The empty StaleTimeout means the server's default.
const (
	StaleOneHour    StaleTimeout = "ONE_HOUR"
	StaleThreeHours StaleTimeout = "THREE_HOURS"
	StaleNever      StaleTimeout = "NO_TIMEOUT"
)

// ProjectLimits are DataSphere's Project.Limits, in units; nil means no limit.
type ProjectLimits struct {
	MaxUnitsPerHour      *int64
	MaxUnitsPerExecution *int64
}

// ProjectFilter narrows a list of projects; empty fields do not narrow.
type ProjectFilter struct {
	CommunityID CommunityID
	NamePattern string // case-insensitive substring of the name
	CreatedBy   string
	Page        Page
}
