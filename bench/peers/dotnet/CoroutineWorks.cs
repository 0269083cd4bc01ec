using System.Runtime.CompilerServices;

namespace NativeGreenlet.Peer;

/// <summary>Typed coroutines.</summary>
internal sealed class CoroutineWorks : Works
{
    public CoroutineWorks()
    {
        Add("resume", Resume);
        Coroutine<int, int> coroutine = new(Echo);
        AddAllocated(count => Resume(coroutine, count));
    }

    private static void Resume(int count)
    {
        using Coroutine<int, int> coroutine = new(Echo);
        Resume(coroutine, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Resume(Coroutine<int, int> coroutine, int count)
    {
        for (int i = 0; i < count / 2; i++)
        {
            _ = coroutine.Resume(i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Echo(Coroutine<int, int> self, int value)
    {
        while (true)
        {
            value = self.Yield(value);
        }
    }
}
