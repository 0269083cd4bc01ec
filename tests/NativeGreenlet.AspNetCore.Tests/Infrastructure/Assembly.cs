// The patience of deadlock detection is one for all, and the machine may have few processors.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
