using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Tasks;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative;

/// <summary>
/// A scope for tasks: when it ends, none of its children is left. At its end it waits for them; if one fails, or the
/// scope is left by an exception, the others are killed, also those that are spawned from then on: these never begin.
/// </summary>
/// <remarks>One exception leaves it: what left the scope, if that threw; else that of the first child that failed. No other is lost:
/// <see cref="Hub.UnhandledException"/> tells of a child that failed as well, be it before or in its cleanup, unless it was only canceled.
/// Children may spawn others, also from other hubs.</remarks>
/// <example><code>
/// GreenNursery.Run(nursery =>
/// {
///     nursery.Spawn(Read);
///     nursery.Spawn(Write);
/// }); // both have ended; if one threw, the other was killed, and this throws
/// </code></example>
public sealed partial class GreenNursery : IDisposable
{
    private readonly Lock _lock = new(); // children may be in other hubs
    private readonly HashSet<GreenTask> _children = [];
    private readonly GreenEvent _changed = new();
    private GreenTask? _failed; // the first child that failed
    private Exception? _own; // what left the scope
    private Action<GreenTask>? _whenLeft;
    private bool _isClosed;
    private bool _isFailing; // who is spawned now is killed, too

    /// <summary>Opens a nursery. Prefer <see cref="Run(Action{GreenNursery})"/>: <see cref="Dispose"/> cannot see that the
    /// scope is left by an exception, and would wait for the children instead of killing them, unless
    /// <see cref="Cancel"/> was called.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public GreenNursery()
    {
        _ = Hub.RequireTask();
        ((IShared)_changed).Room.IsInternal = true;
    }

    /// <summary>Gets the number of children that have not ended.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _children.Count;
            }
        }
    }

    /// <summary>Runs a scope. Returns when it and all children have ended.</summary>
    /// <param name="scope">The scope, which spawns the children.</param>
    /// <exception cref="ArgumentNullException"><paramref name="scope"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What left the scope, or the first child that failed.</exception>
    public static void Run(Action<GreenNursery> scope)
    {
        ArgumentNullException.ThrowIfNull(scope);
        Hub.EnterWait();
        using GreenNursery nursery = new();
        bool isLeft = false;
        try
        {
            scope(nursery);
            isLeft = true;
        }
        catch (Exception exception) when (nursery.Note(exception))
        {
            // It goes on.
        }
        finally
        {
            if (!isLeft)
            {
                nursery.Cancel();
            }
        }
    }

    /// <inheritdoc cref="Run(Action{GreenNursery})" path="/*[not(self::param)]"/>
    /// <param name="scope">The scope, which spawns the children.</param>
    /// <param name="cancellationToken">Cancels the scope when it is cancelled: the wait in it, or its next one, throws, and the children are killed and waited for.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void Run(Action<GreenNursery> scope, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Run(scope);
    }

    /// <summary>Runs a scope that is asynchronous: it lasts until what it returned has completed. Returns when it and all children
    /// have ended.</summary>
    /// <param name="scope">The scope, which spawns the children. What comes after an <c>await</c> is in the hub, too, and may
    /// wait there.</param>
    /// <exception cref="ArgumentNullException"><paramref name="scope"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="Exception">What left the scope, or the first child that failed.</exception>
    public static void Run(Func<GreenNursery, Task> scope)
    {
        ArgumentNullException.ThrowIfNull(scope);
        Run(nursery => { HubSynchronizationContext.RunHere(() => scope(nursery)); });
    }

    /// <inheritdoc cref="Run(Func{GreenNursery, Task})" path="/*[not(self::param)]"/>
    /// <param name="scope">The scope, which spawns the children. What comes after an <c>await</c> is in the hub, too, and may
    /// wait there.</param>
    /// <param name="cancellationToken">Cancels the scope when it is cancelled. An <c>await</c> in it cannot be ended: give what it awaits the token, too.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static void Run(Func<GreenNursery, Task> scope, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        Run(scope);
    }

    /// <summary>Starts a child.</summary>
    /// <param name="body">What it does.</param>
    /// <returns>The task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The scope has ended.</exception>
    public GreenTask Spawn(Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask(body));
    }

    /// <inheritdoc cref="Spawn(Action)" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    public GreenTask<T> Spawn<T>(Func<T> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn(new GreenTask<T>(body));
    }

    /// <summary>Starts a child whose body is asynchronous; see <see cref="Hub.Spawn(Func{Task})"/>.</summary>
    /// <param name="body">What it does.</param>
    /// <returns>The task.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="body"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The scope has ended.</exception>
    public GreenTask Spawn(Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn<GreenTask>(new AsyncGreenTask(body));
    }

    /// <inheritdoc cref="Spawn(Func{Task})" path="/*[not(self::typeparam)]"/>
    /// <typeparam name="T">The type of the result.</typeparam>
    [OverloadResolutionPriority(1)]
    public GreenTask<T> Spawn<T>(Func<Task<T>?> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Spawn<GreenTask<T>>(new AsyncGreenTask<T>(body));
    }

    /// <summary>Kills all children; the scope goes on. A child may call it, too: this returns, the others are killed, and the
    /// caller's next wait throws <see cref="GreenletExit"/>. So the first result cancels the rest.</summary>
    public void Cancel()
    {
        GreenTask[] children;
        lock (_lock)
        {
            children = [.. _children];
        }

        GreenTask.KillAll(children, null);
    }

    /// <summary>Waits until all children have ended. Should the wait be ended by an exception, they are killed, and then
    /// waited for.</summary>
    /// <exception cref="Exception">What the first child that failed threw.</exception>
    public void Dispose()
    {
        if (_isClosed)
        {
            return;
        }

        // A kill is not lost behind a token or a timeout that ends the waits below.
        Exception? interruption = Farther(_own, WaitForChildren());
        KillWhoIsSpawned(interruption is not null);
        while (HasOthers(closes: true))
        {
            Cancel();
            interruption = Farther(interruption, WaitForChildren());
        }

        if (interruption is not null && interruption != _own)
        {
            Tell(_own, _failed, interruption);
            ExceptionDispatchInfo.Throw(interruption);
        }

        if (_own is not null)
        {
            Tell(null, _failed, _own);
            return; // it goes on
        }

        _failed?.Error!.Throw();
    }

    private static Exception? Farther(Exception? first, Exception? second) =>
        HubLoop.OfThisThreadOrNull?.CurrentTask is { } self ? self.Farther(first, second) : second ?? first;

    // Than the caller: a child that ends the scope does not wait for itself. Without others it is closed, if it is to be.
    private bool HasOthers(bool closes)
    {
        lock (_lock)
        {
            bool hasOthers = _children.Count > (HubLoop.OfThisThreadOrNull?.CurrentTask is { } self && _children.Contains(self) ? 1 : 0);
            _isClosed |= closes && !hasOthers;
            return hasOthers;
        }
    }

    // What ended the wait too early, as its result: nothing waits inside a catch block.
    private Exception? WaitForChildren()
    {
        try
        {
            Hub.ThrowPending(); // also if there is nobody to wait for
            while (true)
            {
                _changed.Reset(); // before it looks: one may end meanwhile, in another hub
                if (!HasOthers(closes: false))
                {
                    return null;
                }

                _changed.Wait();
            }
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    // False: the exception goes on.
    private bool Note(Exception exception)
    {
        _own = exception;
        KillWhoIsSpawned(true);
        return false;
    }

    private void KillWhoIsSpawned(bool isFailing)
    {
        lock (_lock)
        {
            _isFailing |= isFailing;
        }
    }

    // Of exceptions that are not thrown, because another is.
    private static void Tell(Exception? own, GreenTask? failed, Exception thrown)
    {
        if (HubLoop.OfThisThreadOrNull is not { } hub)
        {
            return; // nobody disposes of it there
        }

        if (own is not null && IsNews(own, thrown))
        {
            hub.Report(hub.CurrentTask, own);
        }

        if (failed?.Exception is { } failure && failure != own && IsNews(failure, thrown))
        {
            hub.Report(failed, failure);
        }
    }

    // Who was killed or canceled says nothing new, and who waited for the one that failed throws the same.
    private static bool IsNews(Exception exception, Exception thrown) =>
        exception is not (GreenletExit or OperationCanceledException or GreenTaskKilledException)
        && exception != thrown && exception != thrown.InnerException
        && !(thrown is AggregateException several && several.InnerExceptions.Contains(exception));

    private TTask Spawn<TTask>(TTask task)
        where TTask : GreenTask
    {
        bool isLate;
        lock (_lock)
        {
            isLate = _isFailing;
            ObjectDisposedException.ThrowIf(_isClosed, this);
            task.WhenCompleted = Leave;
            _children.Add(task);
        }

        ((IShared)_changed).Room.Touch(); // the child belongs to the spawner's run, which need not be the owner's
        task.Observe();
        bool isSpawned = false;
        try
        {
            Hub.Spawn(task);
            isSpawned = true;
        }
        finally
        {
            if (!isSpawned)
            {
                lock (_lock)
                {
                    _children.Remove(task);
                }

                _changed.Set();
            }
        }

        if (isLate)
        {
            task.KillHere(new GreenletExit("The nursery's scope has failed."));
        }

        return task;
    }

    private void Leave(GreenTask child)
    {
        bool isFirstFailure;
        lock (_lock)
        {
            _children.Remove(child);
            isFirstFailure = child.Error is not null && _failed is null && !_goesOnAfterFailure;
            _failed = isFirstFailure ? child : _failed;
            _isFailing |= isFirstFailure;
        }

        _whenLeft?.Invoke(child);
        if (isFirstFailure)
        {
            Cancel();
        }
        else if (child.Exception is { } failure && !_goesOnAfterFailure && !child.IsKilledBy(failure) && IsNews(failure, _failed!.Exception!))
        {
            child.Loop.Report(child, failure); // the first one is thrown
        }

        _changed.Set();
    }
}
