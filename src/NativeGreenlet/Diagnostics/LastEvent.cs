namespace NativeGreenlet.Diagnostics;

/// <summary>Writes the last event of an answer. EventPipe sends what is in its buffers when a thread gets a new one, and within a
/// tenth of a second after that; what is written later waits for the next buffer of any thread, for ever perhaps. So that event is written by a
/// thread that has none yet.</summary>
internal static class LastEvent
{
    /// <summary>Writes it, and returns when it is written.</summary>
    public static void Write(Action write)
    {
        Thread thread = new(() => write()) { IsBackground = true, Name = "last event" };
        try
        {
            thread.UnsafeStart();
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            write(); // it may come late
            return;
        }

        thread.Join();
    }
}
