namespace NativeGreenlet.SyncOverAsync;

/// <summary>
/// A library with a synchronous face that it must keep, over a core that is asynchronous. The face is one call of
/// <see cref="Sync.Wait"/>; the core knows nothing of greenlets.
/// </summary>
internal sealed class Catalog(IStore store)
{
    /// <summary>The synchronous face.</summary>
    public int Price(string article) => Sync.Wait(token => PriceAsync(article, token));

    /// <summary>The asynchronous one, for who can use it.</summary>
    public async Task<int> PriceAsync(string article, CancellationToken cancellation = default)
    {
        int price = await store.ReadAsync($"price of {article}", cancellation).ConfigureAwait(false);
        int discount = await store.ReadAsync($"discount on {article}", cancellation).ConfigureAwait(false);
        return price - discount;
    }
}
