namespace NativeGreenlet.Peer;

/// <summary>A thread's whole life.</summary>
internal sealed class ThreadWorks : Works
{
    public ThreadWorks()
    {
        Add("create", Create);
    }

    private static void Create(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Thread thread = new(static () => { });
            thread.Start();
            thread.Join();
        }
    }
}
