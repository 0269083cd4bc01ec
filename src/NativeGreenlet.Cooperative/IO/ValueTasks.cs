namespace NativeGreenlet.Cooperative.IO;

internal static class ValueTasks
{
    /// <summary>The same with a result that means nothing.</summary>
    public static async ValueTask<int> Discard(this ValueTask task)
    {
        await task.ConfigureAwait(false);
        return 0;
    }
}
