using NativeGreenlet.Cooperative.Waiting;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace NativeGreenlet.Cooperative;

/// <summary>A <see cref="GreenTask"/> with a result.</summary>
/// <example><code>
/// Hub.Run(() =&gt;
/// {
///     GreenTask&lt;int&gt; first = Hub.Spawn(() =&gt; 40);
///     GreenTask&lt;int&gt; second = Hub.Spawn(() =&gt; 2);
///     Console.WriteLine(first.Result + second.Result); // waits for both
/// });
/// </code></example>
/// <typeparam name="T">The type of the result.</typeparam>
public class GreenTask<T> : GreenTask
{
    private Func<T>? _body;
    private T _result = default!;
    private TaskCompletionSource<T>? _asTask;

    internal GreenTask(Func<T>? body)
        : base(null)
    {
        _body = body;
    }

    /// <summary>Waits until the task has ended; its result, or its exception thrown here.</summary>
    /// <exception cref="MissingHubException">The caller is not inside a hub, and the task has not ended.</exception>
    /// <exception cref="GreenTaskKilledException">The task was killed.</exception>
    /// <exception cref="Exception">What left the task's body.</exception>
    [SuppressMessage("Design", "CA1065:Do not raise exceptions in unexpected locations", Justification = "As Task<T>.Result.")]
    public T Result
    {
        get
        {
            Observe();
            Join();
            ThrowIfFailed();
            return _result;
        }
    }

    /// <inheritdoc cref="GreenTask.AsTask"/>
    public new Task<T> AsTask() => (Task<T>)AsTaskCore();

    /// <summary>Gets what <c>await</c> needs.</summary>
    public new TaskAwaiter<T> GetAwaiter() => AsTask().GetAwaiter();

    /// <summary>For whoever called <see cref="Hub.Run{T}(Func{T}, HubOptions)"/>.</summary>
    internal T TakeResult()
    {
        ThrowWhatLeftIt();
        return _result;
    }

    /// <summary>Keeps what an asynchronous body brought.</summary>
    private protected void SetResult(T result) => _result = result;

    private protected override void Execute()
    {
        Func<T> body = _body!;
        DropBody();
        _result = body();
    }

    private protected override void DropBody() => _body = null;

    private protected override void CompleteAsTask()
    {
        if (_asTask is { } source)
        {
            PassOn(source, _result);
        }
    }

    private protected override Task AsTaskCore() =>
        AsTaskCore(ref _asTask, static () => new TaskCompletionSource<T>(HubClock.Inside, TaskCreationOptions.RunContinuationsAsynchronously)).Task;
}
