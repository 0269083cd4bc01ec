// Tests look at what the hub does meanwhile.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
