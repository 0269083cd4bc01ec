using System.Collections.Concurrent;
using System.Diagnostics;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Parallel"/>, whose bodies run on threads of the pool, in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Parallel))]
[StackTraceHidden]
public static class ParallelTwin
{
    public static ParallelLoopResult For(int fromInclusive, int toExclusive, Action<int> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, body)) : Parallel.For(fromInclusive, toExclusive, body);

    public static ParallelLoopResult For(int fromInclusive, int toExclusive, ParallelOptions parallelOptions, Action<int> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, parallelOptions, body)) : Parallel.For(fromInclusive, toExclusive, parallelOptions, body);

    public static ParallelLoopResult For(int fromInclusive, int toExclusive, Action<int, ParallelLoopState> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, body)) : Parallel.For(fromInclusive, toExclusive, body);

    public static ParallelLoopResult For(int fromInclusive, int toExclusive, ParallelOptions parallelOptions, Action<int, ParallelLoopState> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, parallelOptions, body)) : Parallel.For(fromInclusive, toExclusive, parallelOptions, body);

    public static ParallelLoopResult For(long fromInclusive, long toExclusive, Action<long> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, body)) : Parallel.For(fromInclusive, toExclusive, body);

    public static ParallelLoopResult For(long fromInclusive, long toExclusive, ParallelOptions parallelOptions, Action<long> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, parallelOptions, body)) : Parallel.For(fromInclusive, toExclusive, parallelOptions, body);

    public static ParallelLoopResult For(long fromInclusive, long toExclusive, Action<long, ParallelLoopState> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, body)) : Parallel.For(fromInclusive, toExclusive, body);

    public static ParallelLoopResult For(long fromInclusive, long toExclusive, ParallelOptions parallelOptions, Action<long, ParallelLoopState> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, parallelOptions, body)) : Parallel.For(fromInclusive, toExclusive, parallelOptions, body);

    public static ParallelLoopResult ForEach<TSource>(IEnumerable<TSource> source, Action<TSource> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, body)) : Parallel.ForEach(source, body);

    public static ParallelLoopResult ForEach<TSource>(IEnumerable<TSource> source, ParallelOptions parallelOptions, Action<TSource> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, body)) : Parallel.ForEach(source, parallelOptions, body);

    public static ParallelLoopResult ForEach<TSource>(IEnumerable<TSource> source, Action<TSource, ParallelLoopState> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, body)) : Parallel.ForEach(source, body);

    public static ParallelLoopResult ForEach<TSource>(IEnumerable<TSource> source, ParallelOptions parallelOptions, Action<TSource, ParallelLoopState> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, body)) : Parallel.ForEach(source, parallelOptions, body);

    public static ParallelLoopResult ForEach<TSource>(IEnumerable<TSource> source, Action<TSource, ParallelLoopState, long> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, body)) : Parallel.ForEach(source, body);

    public static ParallelLoopResult ForEach<TSource>(IEnumerable<TSource> source, ParallelOptions parallelOptions, Action<TSource, ParallelLoopState, long> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, body)) : Parallel.ForEach(source, parallelOptions, body);

    public static ParallelLoopResult For<TLocal>(
        int fromInclusive, int toExclusive, Func<TLocal> localInit, Func<int, ParallelLoopState, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, localInit, body, localFinally))
            : Parallel.For(fromInclusive, toExclusive, localInit, body, localFinally);

    public static ParallelLoopResult For<TLocal>(
        int fromInclusive, int toExclusive, ParallelOptions parallelOptions, Func<TLocal> localInit, Func<int, ParallelLoopState, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, parallelOptions, localInit, body, localFinally))
            : Parallel.For(fromInclusive, toExclusive, parallelOptions, localInit, body, localFinally);

    public static ParallelLoopResult For<TLocal>(
        long fromInclusive, long toExclusive, Func<TLocal> localInit, Func<long, ParallelLoopState, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, localInit, body, localFinally))
            : Parallel.For(fromInclusive, toExclusive, localInit, body, localFinally);

    public static ParallelLoopResult For<TLocal>(
        long fromInclusive, long toExclusive, ParallelOptions parallelOptions, Func<TLocal> localInit, Func<long, ParallelLoopState, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.For(fromInclusive, toExclusive, parallelOptions, localInit, body, localFinally))
            : Parallel.For(fromInclusive, toExclusive, parallelOptions, localInit, body, localFinally);

    public static ParallelLoopResult ForEach<TSource, TLocal>(
        IEnumerable<TSource> source, Func<TLocal> localInit, Func<TSource, ParallelLoopState, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.ForEach(source, localInit, body, localFinally))
            : Parallel.ForEach(source, localInit, body, localFinally);

    public static ParallelLoopResult ForEach<TSource, TLocal>(
        IEnumerable<TSource> source, ParallelOptions parallelOptions, Func<TLocal> localInit, Func<TSource, ParallelLoopState, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, localInit, body, localFinally))
            : Parallel.ForEach(source, parallelOptions, localInit, body, localFinally);

    public static ParallelLoopResult ForEach<TSource, TLocal>(
        IEnumerable<TSource> source, Func<TLocal> localInit, Func<TSource, ParallelLoopState, long, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.ForEach(source, localInit, body, localFinally))
            : Parallel.ForEach(source, localInit, body, localFinally);

    public static ParallelLoopResult ForEach<TSource, TLocal>(
        IEnumerable<TSource> source, ParallelOptions parallelOptions, Func<TLocal> localInit, Func<TSource, ParallelLoopState, long, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, localInit, body, localFinally))
            : Parallel.ForEach(source, parallelOptions, localInit, body, localFinally);

    public static ParallelLoopResult ForEach<TSource>(Partitioner<TSource> source, Action<TSource> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, body)) : Parallel.ForEach(source, body);

    public static ParallelLoopResult ForEach<TSource>(Partitioner<TSource> source, ParallelOptions parallelOptions, Action<TSource> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, body)) : Parallel.ForEach(source, parallelOptions, body);

    public static ParallelLoopResult ForEach<TSource>(Partitioner<TSource> source, Action<TSource, ParallelLoopState> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, body)) : Parallel.ForEach(source, body);

    public static ParallelLoopResult ForEach<TSource>(Partitioner<TSource> source, ParallelOptions parallelOptions, Action<TSource, ParallelLoopState> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, body)) : Parallel.ForEach(source, parallelOptions, body);

    public static ParallelLoopResult ForEach<TSource>(OrderablePartitioner<TSource> source, Action<TSource, ParallelLoopState, long> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, body)) : Parallel.ForEach(source, body);

    public static ParallelLoopResult ForEach<TSource>(OrderablePartitioner<TSource> source, ParallelOptions parallelOptions, Action<TSource, ParallelLoopState, long> body) =>
        Hub.IsInside ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, body)) : Parallel.ForEach(source, parallelOptions, body);

    public static ParallelLoopResult ForEach<TSource, TLocal>(
        Partitioner<TSource> source, Func<TLocal> localInit, Func<TSource, ParallelLoopState, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.ForEach(source, localInit, body, localFinally))
            : Parallel.ForEach(source, localInit, body, localFinally);

    public static ParallelLoopResult ForEach<TSource, TLocal>(
        Partitioner<TSource> source, ParallelOptions parallelOptions, Func<TLocal> localInit, Func<TSource, ParallelLoopState, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, localInit, body, localFinally))
            : Parallel.ForEach(source, parallelOptions, localInit, body, localFinally);

    public static ParallelLoopResult ForEach<TSource, TLocal>(
        OrderablePartitioner<TSource> source, Func<TLocal> localInit, Func<TSource, ParallelLoopState, long, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.ForEach(source, localInit, body, localFinally))
            : Parallel.ForEach(source, localInit, body, localFinally);

    public static ParallelLoopResult ForEach<TSource, TLocal>(
        OrderablePartitioner<TSource> source, ParallelOptions parallelOptions, Func<TLocal> localInit, Func<TSource, ParallelLoopState, long, TLocal, TLocal> body, Action<TLocal> localFinally) =>
        Hub.IsInside
            ? Hub.Offload(() => Parallel.ForEach(source, parallelOptions, localInit, body, localFinally))
            : Parallel.ForEach(source, parallelOptions, localInit, body, localFinally);

    public static void Invoke(params Action[] actions)
    {
        if (!Hub.IsInside)
        {
            Parallel.Invoke(actions);
            return;
        }

        Hub.Offload(() => Parallel.Invoke(actions));
    }

    public static void Invoke(ParallelOptions parallelOptions, params Action[] actions)
    {
        if (!Hub.IsInside)
        {
            Parallel.Invoke(parallelOptions, actions);
            return;
        }

        Hub.Offload(() => Parallel.Invoke(parallelOptions, actions));
    }
}
