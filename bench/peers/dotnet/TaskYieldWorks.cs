namespace NativeGreenlet.Peer;

/// <summary>await Task.Yield(): a suspension, and a way through the thread pool's queue back.</summary>
internal sealed class TaskYieldWorks : Works
{
    public TaskYieldWorks()
    {
        Add("switch", Switch);
    }

    private static void Switch(int count) => Task.Run(() => Yield(count)).GetAwaiter().GetResult();

    private static async Task Yield(int count)
    {
        for (int i = 0; i < count; i++)
        {
            await Task.Yield();
        }
    }
}
