// Package crash lets a test kill the program at a named point: right before or
// right after a step that must survive. In a normal build At is nothing and
// Environ is empty; built with the tag crashpoints, the process that comes to
// the point that QUIRE_CRASH names ends itself by SIGKILL there.
//
// What must hold after that is for the tests of test/crash to say.
package crash

// Point is a place in the program. Its name begins with the step that it is
// part of.
type Point string

// Points of a submission, in the order in which it comes to them.
const (
	SubmitBegin  Point = "submit.begin"  // everything is checked, nothing is kept
	SubmitFilled Point = "submit.filled" // the folder is whole but not in its place
	SubmitFolder Point = "submit.folder" // the folder is in its place
	SubmitStored Point = "submit.stored" // the execution is in the store, nobody was told
)

// Points of a schedule's due time, around those of its execution's submission.
const (
	ScheduleDue   Point = "schedule.due"   // it is noticed, nothing is done about it
	ScheduleFired Point = "schedule.fired" // it is dealt with, the next one is not looked for
)

// Points of the submission of a sweep.
const (
	SweepBegin   Point = "sweep.begin"   // everything is checked, nothing is kept
	SweepFolder  Point = "sweep.folder"  // the folder of one execution is there
	SweepFolders Point = "sweep.folders" // they all are
	SweepStored  Point = "sweep.stored"  // all executions are in the store, nobody was told
)

// Points of a notice to a webhook.
const (
	NoticeBegin Point = "notice.begin" // it is due, nothing is sent
	NoticeSent  Point = "notice.sent"  // it is sent, the store does not know
)

// Points of any other mutation that leaves an operation.
const (
	ProjectFolder   Point = "project.folder"   // the project's folder is there
	OperationBegin  Point = "operation.begin"  // nothing is stored
	OperationStored Point = "operation.stored" // it is stored, nobody was told
)

// Points of a claim and of a start.
const (
	ClaimBegin  Point = "claim.begin"  // the execution is queued
	ClaimStored Point = "claim.stored" // it is STARTING
	StartBegin  Point = "start.begin"  // there is no job
	StartJob    Point = "start.job"    // the job is written
	StartBorn   Point = "start.born"   // the executor's process is there
	StartTold   Point = "start.told"   // the executor has told its identity
	StartStored Point = "start.stored" // its handle is in the store
)

// Points of the executor's own start.
const (
	ExecutorOpened     Point = "executor.opened"     // the journal is its own
	ExecutorIdentified Point = "executor.identified" // executor.json is written
	ExecutorListens    Point = "executor.listens"    // its socket is there
	ExecutorTold       Point = "executor.told"       // the server knows it
)

// Points of every append to a journal.
const (
	JournalBegin   Point = "journal.begin"   // nothing is written
	JournalWritten Point = "journal.written" // it is written, not synced
	JournalSynced  Point = "journal.synced"  // it is synced, nobody was told
)

// Points of a change of the state while the execution runs.
const (
	ProgressBegin  Point = "progress.begin"
	ProgressStored Point = "progress.stored"
)

// Points of the end as the executor makes it.
const (
	NotebookBegin   Point = "notebook.begin"   // every cell has ended
	NotebookWritten Point = "notebook.written" // the notebook is whole but not in its place
	NotebookPlaced  Point = "notebook.placed"  // it is in its place, the journal has no end
	FinishJournaled Point = "finish.journaled" // the journal has its end
)

// Points of the end as the server keeps it.
const (
	EndBegin  Point = "end.begin"
	EndStored Point = "end.stored"
)

// Points of an attempt whose executor is lost.
const (
	LostNoticed   Point = "lost.noticed"   // nothing is done about it
	LostCleaned   Point = "lost.cleaned"   // nothing of it is left running
	LostJournaled Point = "lost.journaled" // the journal announces the retry
	RetryBegin    Point = "retry.begin"    // the store does not know of the retry
	RetryStored   Point = "retry.stored"   // the execution is queued again
)

// Points of a cancellation.
const (
	CancelBegin  Point = "cancel.begin"
	CancelStored Point = "cancel.stored" // the dispatcher does not know
)

// Points of an upload.
const (
	UploadBegin   Point = "upload.begin"   // nothing is received
	UploadWritten Point = "upload.written" // the file is whole but not in its place
	UploadPlaced  Point = "upload.placed"  // it is in its place, the folder is not synced
	UploadDone    Point = "upload.done"    // it is durable, nobody was told
)

// Points of the deletion of a project after its operation was stored.
const (
	PurgeBegin   Point = "purge.begin"   // its executions may run
	PurgeEnded   Point = "purge.ended"   // they have ended
	DiscardMoved Point = "discard.moved" // a folder is out of its place and not removed
	PurgeFiles   Point = "purge.files"   // the project's files are gone
	PurgeFolder  Point = "purge.folder"  // an execution's folder is gone
	PurgeFolders Point = "purge.folders" // they all are; the rows are there
	PurgeStored  Point = "purge.stored"  // nothing is left
)

// Points of a sweep that removes what has expired.
const (
	ExpireStored Point = "expire.stored" // the rows are gone, the folders are there
	ExpireFolder Point = "expire.folder" // one folder is gone, and the store does not know
)

// Points lists every point.
func Points() []Point {
	return []Point{
		SubmitBegin, SubmitFilled, SubmitFolder, SubmitStored,
		ScheduleDue, ScheduleFired, SweepBegin, SweepFolder, SweepFolders, SweepStored,
		NoticeBegin, NoticeSent,
		ProjectFolder, OperationBegin, OperationStored,
		ClaimBegin, ClaimStored, StartBegin, StartJob, StartBorn, StartTold, StartStored,
		ExecutorOpened, ExecutorIdentified, ExecutorListens, ExecutorTold,
		JournalBegin, JournalWritten, JournalSynced,
		ProgressBegin, ProgressStored,
		NotebookBegin, NotebookWritten, NotebookPlaced, FinishJournaled,
		EndBegin, EndStored,
		LostNoticed, LostCleaned, LostJournaled, RetryBegin, RetryStored,
		CancelBegin, CancelStored,
		UploadBegin, UploadWritten, UploadPlaced, UploadDone,
		PurgeBegin, PurgeEnded, DiscardMoved, PurgeFiles, PurgeFolder, PurgeFolders, PurgeStored,
		ExpireStored, ExpireFolder,
	}
}
