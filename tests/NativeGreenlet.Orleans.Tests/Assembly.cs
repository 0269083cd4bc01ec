// The machine may have few processors.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
