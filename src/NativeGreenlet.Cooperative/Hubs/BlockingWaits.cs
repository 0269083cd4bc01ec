namespace NativeGreenlet.Cooperative;

/// <summary>What a hub does when code in a task blocks the hub's thread by a wait of .NET: <c>task.Wait()</c>,
/// <see cref="SemaphoreSlim.Wait()"/>, <see cref="WaitHandle.WaitOne()"/> and the like.</summary>
/// <example><code>
/// HubOptions options = new() { BlockingWaits = BlockingWaits.Park };
/// Hub.Run(() => Task.Delay(100).Wait(), options); // blocks nobody
/// </code></example>
public enum BlockingWaits
{
    /// <summary>Blocks the thread, and tells nobody.</summary>
    Block,

    /// <summary>Blocks the thread, and tells where: <see cref="Hub.BlockingWait"/>, the event source and the meter.</summary>
    Report,

    /// <summary>Parks the task where that can be done, so that the other tasks of the hub go on; tells of waits where it cannot.</summary>
    Park,
}
