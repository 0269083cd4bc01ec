using System.ComponentModel;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Dispatch;
using Akka.Event;
using NativeGreenlet.Akka.Execution;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka;

/// <summary>An actor whose handlers are written in blocking style: where they wait, they hold no thread, and the actor takes no other message
/// until they have ended. It is on the hubs of its system (<see cref="GreenActors"/>).</summary>
/// <remarks>
/// <para>As with <c>ReceiveAsync</c>, the mailbox is suspended while a handler has not ended. <c>Self</c>, <c>Sender</c>, <c>Context</c> and
/// the stash are those of its message after each wait. What leaves a handler reaches the supervisor, with its stack trace.</para>
/// <para>When the actor is stopped or restarted, what waits is killed: <see cref="GreenletExit"/> is thrown out of the wait, and the
/// <c>finally</c> blocks have run before <c>PostStop</c> or <c>PreRestart</c>.</para>
/// <para>Tasks that a handler spawns have the actor's context, too. Those that it does not wait for go on between later messages, until the
/// actor stops.</para>
/// </remarks>
/// <example><code>
/// sealed class Account : GreenReceiveActor
/// {
///     private int _balance;
///
///     public Account()
///     {
///         ReceiveGreen&lt;int>(amount =>
///         {
///             int before = _balance;
///             Hub.Sleep(TimeSpan.FromMilliseconds(10)); // no other message comes between
///             _balance = before + amount;
///             Sender.Tell(_balance);
///         });
///     }
/// }
/// </code></example>
public abstract class GreenReceiveActor : ReceiveActor
{
    private readonly List<GreenHandler> _withTasks = []; // handlers whose tasks have parked
    private readonly bool _isMoved; // from the default dispatcher
    private GreenHandler? _last; // handler that waits, or runs when the mailbox has returned
    private bool _isStopped;

    /// <summary>Creates the actor. One that no dispatcher was given to is put on the hubs of its system.</summary>
    /// <exception cref="ActorInitializationException">It is not created by an actor system.</exception>
    protected GreenReceiveActor() =>
        _isMoved = !MailboxPump.IsHere && DispatcherChange.Instance is { } change && change.TryMove(InternalCurrentActorCellKeeper.Current!);

    /// <summary>Registers a handler that may wait. Only in the constructor, and inside <c>Become</c>.</summary>
    /// <typeparam name="T">The type of the messages.</typeparam>
    /// <param name="handler">What to do with a message.</param>
    /// <param name="shouldHandle">Whether it handles a message; null for all of the type. It must not wait.</param>
    /// <exception cref="ArgumentNullException"><paramref name="handler"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The actor is not on a hub, or it is called elsewhere.</exception>
    protected void ReceiveGreen<T>(Action<T> handler, Predicate<T>? shouldHandle = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Check();
        Register(() => Receive(message => Start(handler, message), shouldHandle));
    }

    /// <inheritdoc cref="ReceiveGreen{T}(Action{T}, Predicate{T})" path="/*[not(self::param)]"/>
    /// <param name="shouldHandle">Whether it handles a message. It must not wait.</param>
    /// <param name="handler">What to do with a message.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    protected void ReceiveGreen<T>(Predicate<T> shouldHandle, Action<T> handler)
    {
        ArgumentNullException.ThrowIfNull(shouldHandle);
        ReceiveGreen(handler, shouldHandle);
    }

    /// <inheritdoc cref="ReceiveGreen{T}(Action{T}, Predicate{T})" path="/*[not(self::typeparam or self::param)]"/>
    /// <param name="messageType">The type of the messages.</param>
    /// <param name="handler">What to do with a message.</param>
    /// <param name="shouldHandle">Whether it handles a message; null for all of the type. It must not wait.</param>
    /// <exception cref="ArgumentNullException"><paramref name="messageType"/> or <paramref name="handler"/> is null.</exception>
    protected void ReceiveGreen(Type messageType, Action<object> handler, Predicate<object>? shouldHandle = null)
    {
        ArgumentNullException.ThrowIfNull(messageType);
        ArgumentNullException.ThrowIfNull(handler);
        Check();
        Register(() => Receive(messageType, message => Start(handler, message), shouldHandle));
    }

    /// <summary>Registers a handler that may wait for all messages that no handler before it takes. Only in the constructor, and inside
    /// <c>Become</c>.</summary>
    /// <param name="handler">What to do with a message.</param>
    /// <exception cref="ArgumentNullException"><paramref name="handler"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The actor is not on a hub, or it is called elsewhere.</exception>
    protected void ReceiveGreenAny(Action<object> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Check();
        Register(() => ReceiveAny(message => Start(handler, message)));
    }

    /// <summary>Refuses an asynchronous handler: nobody would wait for what it returns.</summary>
    /// <typeparam name="T">The type of the messages.</typeparam>
    /// <param name="handler">The handler.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    [Obsolete("A handler of ReceiveGreen waits in blocking style: Hub.Await(task). For an async one use ReceiveAsync.", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected void ReceiveGreen<T>(Func<T, Task> handler) => throw new NotSupportedException("Use ReceiveAsync for an asynchronous handler.");

    /// <inheritdoc cref="ReceiveGreen{T}(Func{T, Task})" path="/*[not(self::typeparam)]"/>
    [Obsolete("A handler of ReceiveGreenAny waits in blocking style: Hub.Await(task). For an async one use ReceiveAnyAsync.", error: true)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected void ReceiveGreenAny(Func<object, Task> handler) => throw new NotSupportedException("Use ReceiveAnyAsync for an asynchronous handler.");

    /// <summary>Registers a handler that only throws.</summary>
    /// <typeparam name="T">The type of the messages.</typeparam>
    /// <param name="handler">The handler.</param>
    /// <exception cref="ArgumentNullException"><paramref name="handler"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The actor is not on a hub, or it is called elsewhere.</exception>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected void ReceiveGreen<T>(Func<T, Never> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ReceiveGreen(new Action<T>(message => handler(message)));
    }

    /// <inheritdoc cref="ReceiveGreen{T}(Func{T, Never})" path="/*[not(self::typeparam)]"/>
    [OverloadResolutionPriority(1)]
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected void ReceiveGreenAny(Func<object, Never> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ReceiveGreenAny(new Action<object>(message => handler(message)));
    }

    /// <summary>Kills what waits before the actor is restarted. Akka calls it.</summary>
    /// <param name="cause">Why it is restarted.</param>
    /// <param name="message">The message that it had.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public override void AroundPreRestart(Exception cause, object message)
    {
        StopHandlers();
        base.AroundPreRestart(cause, message);
    }

    /// <summary>Kills what waits before the actor has stopped. Akka calls it.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public override void AroundPostStop()
    {
        StopHandlers();
        base.AroundPostStop();
    }

    /// <summary>The handler that waits inside the mailbox; null when it has ended. One that does not wait is not kept: the actor is old, and
    /// would keep it for the collector.</summary>
    internal void SetWaiting(GreenHandler? handler) => _last = handler;

    /// <summary>A task that a handler has spawned has parked for the first time.</summary>
    /// <returns>Whether it may go on.</returns>
    internal bool TryKeep(GreenHandler handler)
    {
        if (!_isStopped)
        {
            _withTasks.RemoveAll(static each => each.HasEnded);
            _withTasks.Add(handler);
        }

        return !_isStopped;
    }

    /// <summary>Runs something as a handler, inside the mailbox that the caller is in: no message comes before it has ended.</summary>
    private protected void Start<T>(Action<T> handler, T message)
    {
        ActorCell cell = InternalCurrentActorCellKeeper.Current!;
        GreenHandler<T> next = new(this, cell, handler, message);
        if (!MailboxPump.IsHere || !MailboxPump.OfThisMailbox.TryRun(next, cell))
        {
            _last = next;
            RunLater(next);
        }
    }

    /// <summary>Runs something as a handler when the mailbox has returned, where the caller must not wait: no message comes before it has
    /// ended.</summary>
    private protected void StartLater<T>(Action<T> handler, T message)
    {
        GreenHandler<T> next = new(this, InternalCurrentActorCellKeeper.Current!, handler, message);
        _last = next;
        RunLater(next);
    }

    private static void RunLater(GreenHandler handler) => ActorTaskScheduler.RunTask(MailboxPump.IsHere ? handler.RunLater : () => StartOnHubAsync(handler));

    // The thread that has made the actor may still run its mailbox.
    private static async Task StartOnHubAsync(GreenHandler handler)
    {
        ActorHubs hubs = ActorHubs.Of(Context.System);
        while (!MailboxPump.IsHere)
        {
            HubHop hop = new();
            hubs.Execute(hop);
            await hop.Task;
        }

        await handler.RunLater();
    }

    private void StopHandlers()
    {
        _isStopped = true;
        GreenHandler[] handlers = [.. _withTasks.Append(_last).OfType<GreenHandler>().Distinct().Where(static handler => !handler.HasEnded)];
        if (handlers.Length == 0)
        {
            return;
        }

        ActorCell cell = InternalCurrentActorCellKeeper.Current!;
        TimeSpan grace = ActorHubs.Of(cell.System).StopGrace;
        if (!handlers.Select(handler => handler.Stop(grace)).ToArray().All(static hasEnded => hasEnded))
        {
            cell.System.EventStream.Publish(new Warning(cell.Self.Path.ToString(), GetType(), $"A handler was killed and has not ended within {grace.TotalSeconds:F1} s; the actor goes on without it."));
        }
    }

    private void Check()
    {
        if (!MailboxPump.IsHere && !_isMoved)
        {
            throw new InvalidOperationException($"{GetType().Name} has handlers that wait in blocking style, and its dispatcher runs it on no hub. Give it no other dispatcher, or create it with Props.Create(() => new {GetType().Name}(...)).OnHubs(system).");
        }
    }

    private static void Register(Action receive)
    {
        try
        {
            receive();
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidOperationException("ReceiveGreen registers handlers: call it in the actor's constructor or inside Become(() => ...).", exception);
        }
    }
}
