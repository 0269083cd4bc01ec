using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <content>Several children for one result.</content>
public sealed partial class GreenNursery
{
    private readonly bool _goesOnAfterFailure;

    // The children of a race: one that fails need not end the others.
    private GreenNursery(bool goesOnAfterFailure)
        : this()
    {
        _goesOnAfterFailure = goesOnAfterFailure;
    }

    /// <summary>Runs several bodies side by side and returns the result of the first that succeeds. The others are killed; when this
    /// returns or throws, all have ended, and their <c>finally</c> blocks have run.</summary>
    /// <remarks>Java calls this <c>anySuccessfulOrThrow</c>, JavaScript <c>Promise.any</c>. A result that comes too late is dropped.</remarks>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="bodies">What the children do.</param>
    /// <returns>The first result.</returns>
    /// <exception cref="ArgumentException">There is no body, or one is null.</exception>
    /// <exception cref="AggregateException">All have failed; it has the exception of each, in the order of the bodies.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static T FirstSuccess<T>(params IEnumerable<Func<T>> bodies) => FirstSuccess(Make(bodies), Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="FirstSuccess{T}(IEnumerable{Func{T}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T FirstSuccess<T>(IEnumerable<Func<T>> bodies, CancellationToken cancellationToken) => FirstSuccess(Make(bodies), Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="FirstSuccess{T}(IEnumerable{Func{T}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="timeout">How long to wait at most; all are killed then.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="TimeoutException">The time is up.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T FirstSuccess<T>(IEnumerable<Func<T>> bodies, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        FirstSuccess(Make(bodies), timeout, cancellationToken);

    /// <summary>Runs several asynchronous bodies side by side and returns the result of the first that succeeds; see
    /// <see cref="FirstSuccess{T}(IEnumerable{Func{T}})"/>.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="bodies">What the children do; see <see cref="Hub.Spawn(Func{Task})"/> about killing them.</param>
    /// <returns>The first result.</returns>
    /// <exception cref="ArgumentException">There is no body, or one is null.</exception>
    /// <exception cref="AggregateException">All have failed; it has the exception of each, in the order of the bodies.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    [OverloadResolutionPriority(1)]
    public static T FirstSuccess<T>(params IEnumerable<Func<Task<T>>> bodies) => FirstSuccess(Make(bodies), Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="FirstSuccess{T}(IEnumerable{Func{Task{T}}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(1)]
    public static T FirstSuccess<T>(IEnumerable<Func<Task<T>>> bodies, CancellationToken cancellationToken) => FirstSuccess(Make(bodies), Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="FirstSuccess{T}(IEnumerable{Func{Task{T}}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="timeout">How long to wait at most; all are killed then.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="TimeoutException">The time is up.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(1)]
    public static T FirstSuccess<T>(IEnumerable<Func<Task<T>>> bodies, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        FirstSuccess(Make(bodies), timeout, cancellationToken);

    /// <summary>Runs several bodies side by side and returns the result of the first that ends, or throws what it threw. The others
    /// are killed; when this returns or throws, all have ended, and their <c>finally</c> blocks have run.</summary>
    /// <remarks>JavaScript calls this <c>Promise.race</c>, .NET <c>Task.WhenAny</c>, which kills nothing.</remarks>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="bodies">What the children do.</param>
    /// <returns>The first result.</returns>
    /// <exception cref="ArgumentException">There is no body, or one is null.</exception>
    /// <exception cref="GreenTaskKilledException">The first that ended was killed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the first that ended threw.</exception>
    public static T First<T>(params IEnumerable<Func<T>> bodies) => First(Make(bodies), Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="First{T}(IEnumerable{Func{T}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T First<T>(IEnumerable<Func<T>> bodies, CancellationToken cancellationToken) => First(Make(bodies), Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="First{T}(IEnumerable{Func{T}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="timeout">How long to wait at most; all are killed then.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="TimeoutException">The time is up.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T First<T>(IEnumerable<Func<T>> bodies, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        First(Make(bodies), timeout, cancellationToken);

    /// <summary>Runs several asynchronous bodies side by side and returns the result of the first that ends; see
    /// <see cref="First{T}(IEnumerable{Func{T}})"/>.</summary>
    /// <typeparam name="T">The type of the result.</typeparam>
    /// <param name="bodies">What the children do; see <see cref="Hub.Spawn(Func{Task})"/> about killing them.</param>
    /// <returns>The first result.</returns>
    /// <exception cref="ArgumentException">There is no body, or one is null.</exception>
    /// <exception cref="GreenTaskKilledException">The first that ended was killed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the first that ended threw.</exception>
    [OverloadResolutionPriority(1)]
    public static T First<T>(params IEnumerable<Func<Task<T>>> bodies) => First(Make(bodies), Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="First{T}(IEnumerable{Func{Task{T}}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(1)]
    public static T First<T>(IEnumerable<Func<Task<T>>> bodies, CancellationToken cancellationToken) => First(Make(bodies), Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="First{T}(IEnumerable{Func{Task{T}}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="timeout">How long to wait at most; all are killed then.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="TimeoutException">The time is up.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(1)]
    public static T First<T>(IEnumerable<Func<Task<T>>> bodies, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        First(Make(bodies), timeout, cancellationToken);

    /// <summary>Runs several bodies side by side and returns all results. At the first failure the others are killed, and that is thrown;
    /// when this returns or throws, all have ended, and their <c>finally</c> blocks have run.</summary>
    /// <remarks>Java calls this <c>allSuccessfulOrThrow</c>, tokio <c>try_join!</c>; .NET's <c>Task.WhenAll</c> kills nothing.
    /// <see cref="Run(Action{GreenNursery})"/> does it for bodies without a result.</remarks>
    /// <typeparam name="T">The type of the results.</typeparam>
    /// <param name="bodies">What the children do.</param>
    /// <returns>The results, in the order of the bodies; none if there are no bodies.</returns>
    /// <exception cref="ArgumentException">A body is null.</exception>
    /// <exception cref="GreenTaskKilledException">A child was killed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the first that failed threw.</exception>
    public static T[] All<T>(params IEnumerable<Func<T>> bodies) => All(Make(bodies, isEmptyAllowed: true), Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="All{T}(IEnumerable{Func{T}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T[] All<T>(IEnumerable<Func<T>> bodies, CancellationToken cancellationToken) => All(Make(bodies, isEmptyAllowed: true), Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="All{T}(IEnumerable{Func{T}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="timeout">How long to wait at most; all are killed then.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="TimeoutException">The time is up.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static T[] All<T>(IEnumerable<Func<T>> bodies, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        All(Make(bodies, isEmptyAllowed: true), timeout, cancellationToken);

    /// <summary>Runs several asynchronous bodies side by side and returns all results; see <see cref="All{T}(IEnumerable{Func{T}})"/>.</summary>
    /// <typeparam name="T">The type of the results.</typeparam>
    /// <param name="bodies">What the children do; see <see cref="Hub.Spawn(Func{Task})"/> about killing them.</param>
    /// <returns>The results, in the order of the bodies; none if there are no bodies.</returns>
    /// <exception cref="ArgumentException">A body is null.</exception>
    /// <exception cref="GreenTaskKilledException">A child was killed.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What the first that failed threw.</exception>
    [OverloadResolutionPriority(1)]
    public static T[] All<T>(params IEnumerable<Func<Task<T>>> bodies) => All(Make(bodies, isEmptyAllowed: true), Timeout.InfiniteTimeSpan, CancellationToken.None);

    /// <inheritdoc cref="All{T}(IEnumerable{Func{Task{T}}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(1)]
    public static T[] All<T>(IEnumerable<Func<Task<T>>> bodies, CancellationToken cancellationToken) => All(Make(bodies, isEmptyAllowed: true), Timeout.InfiniteTimeSpan, cancellationToken);

    /// <inheritdoc cref="All{T}(IEnumerable{Func{Task{T}}})" path="/*[not(self::param)]"/>
    /// <param name="bodies">What the children do.</param>
    /// <param name="timeout">How long to wait at most; all are killed then.</param>
    /// <param name="cancellationToken">Kills all when it is cancelled.</param>
    /// <exception cref="TimeoutException">The time is up.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    [OverloadResolutionPriority(1)]
    public static T[] All<T>(IEnumerable<Func<Task<T>>> bodies, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        All(Make(bodies, isEmptyAllowed: true), timeout, cancellationToken);

    private static GreenTask<T>[] Make<T>(IEnumerable<Func<T>> bodies, bool isEmptyAllowed = false) => Make(bodies, body => new GreenTask<T>(body), isEmptyAllowed);

    [OverloadResolutionPriority(1)]
    private static GreenTask<T>[] Make<T>(IEnumerable<Func<Task<T>>> bodies, bool isEmptyAllowed = false) => Make(bodies, GreenTask<T> (body) => new AsyncGreenTask<T>(body), isEmptyAllowed);

    private static GreenTask<T>[] Make<TBody, T>(IEnumerable<TBody> bodies, Func<TBody, GreenTask<T>> make, bool isEmptyAllowed)
    {
        ArgumentNullException.ThrowIfNull(bodies);
        TBody[] all = [.. bodies];
        if (Array.Exists(all, body => body is null))
        {
            throw new ArgumentException("One of the bodies is null.", nameof(bodies));
        }

        return all.Length == 0 && !isEmptyAllowed
            ? throw new ArgumentException("There is no body, so there will be no result. Give at least one.", nameof(bodies))
            : Array.ConvertAll(all, body => make(body));
    }

    private static T FirstSuccess<T>(GreenTask<T>[] children, TimeSpan timeout, CancellationToken cancellationToken)
    {
        GreenTask? first = null;
        RunRace(children, timeout, ended =>
        {
            first ??= ended is { IsSuccessful: true, IsKilled: false } ? ended : null;
            return first is not null;
        }, cancellationToken);
        return first is not null
            ? ((GreenTask<T>)first).Result
            : throw new AggregateException($"None of {children.Length} bodies succeeded.", children.Select(child => child.Exception ?? new GreenTaskKilledException(child, child.Exit!)));
    }

    private static T First<T>(GreenTask<T>[] children, TimeSpan timeout, CancellationToken cancellationToken)
    {
        GreenTask? first = null;
        RunRace(children, timeout, ended =>
        {
            first ??= ended;
            return true;
        }, cancellationToken);
        return ((GreenTask<T>)first!).Result;
    }

    private static T[] All<T>(GreenTask<T>[] children, TimeSpan timeout, CancellationToken cancellationToken)
    {
        GreenTask? failed = null;
        RunRace(children, timeout, ended =>
        {
            failed ??= ended is { IsSuccessful: true, IsKilled: false } ? null : ended;
            return failed is not null;
        }, cancellationToken);
        failed?.ThrowIfFailed();
        return Array.ConvertAll(children, child => child.Result);
    }

    // Runs the children until one decides it, or all have ended; kills the rest, and returns when they have ended, too.
    private static void RunRace<T>(GreenTask<T>[] children, TimeSpan timeout, Func<GreenTask, bool> isDecidedBy, CancellationToken cancellationToken)
    {
        HubClock.Check(timeout, nameof(timeout));
        Hub.EnterWait();
        cancellationToken.ThrowIfCancellationRequested();
        GreenNursery nursery = new(goesOnAfterFailure: true);
        bool isDecided = false;
        nursery._whenLeft = child => isDecided |= isDecidedBy(child);
        Array.ForEach(children, child => nursery.Spawn(child));
        Exception? interruption = nursery.WaitForRace(() => isDecided, timeout, cancellationToken);
        isDecided = true; // what ends from here on is too late
        nursery._whenLeft = null;
        nursery.Cancel();
        nursery.Dispose(); // a kill of the caller leaves it by this, after all have ended
        if (interruption is not null)
        {
            ExceptionDispatchInfo.Throw(interruption);
        }
    }

    // What ended the wait too early, as its result: nothing waits inside a catch block.
    private Exception? WaitForRace(Func<bool> isDecided, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long due = HubClock.After(timeout);
        try
        {
            while (true)
            {
                _changed.Reset();
                if (isDecided() || Count == 0)
                {
                    return null;
                }

                if (!_changed.Wait(HubClock.Until(due), cancellationToken) && !isDecided() && Count != 0)
                {
                    return new TimeoutException($"There was no result for {timeout}.");
                }
            }
        }
        catch (Exception exception)
        {
            return exception;
        }
    }
}
