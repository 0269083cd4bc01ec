using System.Diagnostics;
using System.Reflection;

namespace NativeGreenlet.Cooperative.Diagnostics;

/// <summary>The places of a program that are known: each the methods on a stack, and where in them. In one thread.</summary>
/// <remarks>
/// <para>A place is the same when its code is compiled anew. The runtime does that while the program runs, and then a method may be compiled into
/// the one that calls it: the stack has fewer frames. So two stacks are of one place if one is the other without some of its methods.
/// What lies before the missing call is the same in both: where in the caller it is.</para>
/// <para>The frames of .NET itself and of this library are left out. They change most, and say nothing of the program's place. Only
/// where there are no others, they make the place, without where in them.</para>
/// </remarks>
internal sealed class WaitPlaces
{
    private const int Most = 1_000;
    private const int Depth = 32; // frames that make a place

    private static readonly Assembly s_core = typeof(object).Assembly;
    private static readonly Assembly s_own = typeof(Hub).Assembly;

    private readonly HashSet<int> _hashes = []; // of the stacks below: nearly always the stack is one of them
    private readonly List<Step[]> _stacks = [];

    /// <summary>Adds the place of a stack.</summary>
    /// <returns>Whether it was not known. When there are too many places, all are taken to be known.</returns>
    public bool TryAdd(StackTrace trace) => TryAdd(StepsOf(trace));

    /// <summary>As <see cref="TryAdd(StackTrace)"/>, with the steps of a stack, the innermost first.</summary>
    public bool TryAdd(Step[] stack)
    {
        HashCode hash = default;
        foreach (Step step in stack)
        {
            hash.Add(step);
        }

        if (_stacks.Count >= Most || !_hashes.Add(hash.ToHashCode()))
        {
            return false;
        }

        bool isKnown = _stacks.Exists(known => IsPart(stack, known) || IsPart(known, stack));
        _stacks.Add(stack); // in this form, too, which others may be a part of
        return !isKnown;
    }

    private static bool IsPart(Step[] part, Step[] whole)
    {
        int found = 0;
        for (int i = 0; i < whole.Length && found < part.Length; i++)
        {
            found += whole[i] == part[found] ? 1 : 0;
        }

        return found == part.Length;
    }

    private static Step[] StepsOf(StackTrace trace)
    {
        StackFrame[] frames = trace.GetFrames();
        Step[] steps = [.. frames.Where(IsOfProgram).Take(Depth).Select(frame => StepOf(frame.GetMethod()!, frame.GetILOffset()))];
        return steps.Length != 0 ? steps : [.. frames.Where(frame => frame.GetMethod() is not null).Take(Depth).Select(frame => StepOf(frame.GetMethod()!, 0))];
    }

    private static bool IsOfProgram(StackFrame frame) => frame.GetMethod() is { } method && method.DeclaringType?.Assembly is var assembly && assembly != s_core && assembly != s_own;

    // By its token: in optimized code the arguments of a generic method may not be known any more. A dynamic method has none.
    private static Step StepOf(MethodBase method, int offset) =>
        method.DeclaringType is null ? new Step(method, 0, offset) : new Step(method.Module, method.MetadataToken, offset);

    /// <param name="Origin">The module of the method, or a method that is in none.</param>
    /// <param name="Token">The method.</param>
    /// <param name="Offset">Where in it.</param>
    public readonly record struct Step(object Origin, int Token, int Offset);
}
