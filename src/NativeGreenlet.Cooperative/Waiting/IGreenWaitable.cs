using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>Something that <see cref="Hub.Wait"/> can wait for together with others: a task, an event, a completion
/// source.</summary>
/// <remarks>Only this library implements it: a wait is linked to the objects under their locks. To make an object of your own
/// waitable, give it a <see cref="GreenEvent"/> and wait for that.</remarks>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenEvent stop = new();
///     GreenTask work = Hub.Spawn(() =&gt; Hub.Sleep(TimeSpan.FromSeconds(1)));
///     IReadOnlyList&lt;IGreenWaitable&gt; ready = Hub.Wait([stop, work], count: 1); // the first of them
///     Console.WriteLine(ready.Contains(work));
/// });
/// </code></example>
public interface IGreenWaitable
{
    /// <summary>Gets a value indicating whether a wait for it would return at once.</summary>
    bool IsReady { get; }

    /// <summary>Wakes a wait when it is ready. False, and nothing to undo, if it is ready.</summary>
    internal bool TryLink(WaitNode node);

    /// <summary>Takes back a link.</summary>
    internal void Unlink(WaitNode node);
}
