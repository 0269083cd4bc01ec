namespace NativeGreenlet.Engines.Orleans;

/// <summary>One that blocks its thread.</summary>
internal interface IBlockingWorker : IWorker;
