namespace NativeGreenlet.SyncOverAsync;

/// <summary>Something slow that is only there asynchronously: a database, another server.</summary>
internal interface IStore
{
    Task<int> ReadAsync(string key, CancellationToken cancellation);
}
