namespace NativeGreenlet.Engines.Orleans;

/// <summary>One in blocking style, on hubs.</summary>
internal interface IGreenWorker : IWorker;
