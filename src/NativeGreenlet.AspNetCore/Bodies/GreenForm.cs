using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.AspNetCore;

/// <summary>The form of a request: its synchronous method parks, where the framework's blocks. Everything else is that of the one
/// below.</summary>
/// <param name="find">Finds the one below, when it is first needed.</param>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "What ends a read has no timer, and nothing is registered when the read is over.")]
internal sealed class GreenForm(Func<IFormFeature> find) : IFormFeature
{
    private readonly Lock _lock = new();
    private Task<IFormCollection>? _read; // that all synchronous readers wait for
    private CancellationTokenSource? _end; // ends it
    private int _readers;

    /// <summary>Makes that of a form which middleware has put in place.</summary>
    /// <param name="exchanged">The one below.</param>
    public GreenForm(IFormFeature exchanged)
        : this(() => exchanged)
    {
        Exchanged = exchanged;
    }

    /// <summary>What middleware has put in place, if it is of that.</summary>
    public IFormFeature? Exchanged { get; }

    /// <summary>The one below, if it was needed.</summary>
    public IFormFeature? Found { get; private set; }

    /// <summary>The one below.</summary>
    public IFormFeature Below => Found ??= find();

    public bool HasFormContentType => Below.HasFormContentType;

    public IFormCollection? Form
    {
        get => Below.Form;
        set => Below.Form = value;
    }

    public IFormCollection ReadForm() => Hub.IsInside ? Hub.Await(ReadSharedAsync) : Below.ReadForm();

    public Task<IFormCollection> ReadFormAsync(CancellationToken cancellationToken) => Below.ReadFormAsync(cancellationToken);

    // The form is read once for all. Who gives up leaves the read to the others; it ends with the last of them, because nobody may read
    // when the request has ended.
    private async Task<IFormCollection> ReadSharedAsync(CancellationToken cancellationToken)
    {
        Task<IFormCollection> read;
        CancellationTokenSource end;
        lock (_lock)
        {
            _readers++;
            if (_end is null || _read is not { IsCompleted: false })
            {
                _end = new CancellationTokenSource();
                _read = Below.ReadFormAsync(_end.Token); // what it has read, it keeps
            }

            end = _end;
            read = _read;
        }

        try
        {
            return await read.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            bool isLast;
            lock (_lock)
            {
                isLast = --_readers == 0;
            }

            if (isLast && !read.IsCompleted)
            {
                await end.CancelAsync().ConfigureAwait(false);
                await ((Task)read).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
