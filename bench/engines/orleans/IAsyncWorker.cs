namespace NativeGreenlet.Engines.Orleans;

/// <summary>One in asynchronous style.</summary>
internal interface IAsyncWorker : IWorker;
