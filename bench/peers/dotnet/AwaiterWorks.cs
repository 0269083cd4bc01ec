using System.Runtime.CompilerServices;

namespace NativeGreenlet.Peer;

/// <summary>An async method that suspends itself in an awaiter of its own and is resumed by a call: the fastest that
/// await can be, one frame deep.</summary>
internal sealed class AwaiterWorks : Works
{
    private bool _isOver;

    public AwaiterWorks()
    {
        Add("resume", Resume);
        Add("create", Create);
        Add("throw", Throw);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Resume(int count)
    {
        Suspension suspension = new();
        _isOver = false;
        Task task = Suspend(suspension);
        for (int i = 0; i < count / 2; i++)
        {
            suspension.Continue();
        }

        _isOver = true;
        suspension.Continue();
        task.GetAwaiter().GetResult();
    }

    // Call an async method, which suspends itself once, and continue it to its end.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Create(int count)
    {
        Suspension suspension = new();
        for (int i = 0; i < count; i++)
        {
            Task task = SuspendOnce(suspension);
            suspension.Continue();
            task.GetAwaiter().GetResult();
        }
    }

    // Continue one with an exception, which it catches and awaits again.
    private static void Throw(int count)
    {
        Suspension suspension = new();
        _ = Catch(suspension);
        for (int i = 0; i < count; i++)
        {
            suspension.Fail(new InvalidOperationException());
        }
    }

    private static async Task SuspendOnce(Suspension suspension) => await suspension;

    private static async Task Catch(Suspension suspension)
    {
        while (true)
        {
            try
            {
                await suspension;
            }
            catch (InvalidOperationException)
            {
            }
        }
    }

    private async Task Suspend(Suspension suspension)
    {
        while (!_isOver)
        {
            await suspension;
        }
    }
}
