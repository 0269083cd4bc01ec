using System.Runtime.CompilerServices;

namespace NativeGreenlet.Peer;

/// <summary>Generators whose values are asked for one by one: ours, and the compiler's iterators.</summary>
internal sealed class GeneratorWorks : Works
{
    private readonly IEnumerator<int> _ones;

    public GeneratorWorks(IEnumerable<int> ones)
    {
        _ones = ones.GetEnumerator();
        Add("resume", Resume);
        AddAllocated(Resume);
    }

    public static IEnumerable<int> OfGreenlet() => new GreenletGenerator<int>(YieldForEver);

    public static IEnumerable<int> OfCompiler()
    {
        while (true)
        {
            yield return 1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void YieldForEver()
    {
        while (true)
        {
            GreenletGenerator<int>.Yield(1);
        }
    }

    private void Resume(int count)
    {
        for (int i = 0; i < count / 2; i++)
        {
            _ = _ones.MoveNext();
        }
    }
}
