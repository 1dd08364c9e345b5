package quire

import "time"

// ProjectRoot is where DataSphere shows a project's files to its notebooks. A
// client may put it in front of a path; everything else that is absolute
// leaves the project.
const ProjectRoot = "/home/jupyter/datasphere/project/"

// File is a file of a project.
type File struct {
	Path       string // slash-separated, relative to the project
	Size       int64  // bytes
	ModifiedAt time.Time
}
