using NativeGreenlet.Cooperative.IO;

namespace NativeGreenlet.Cooperative;

/// <summary>Makes the synchronous <see cref="HttpClient.Send(HttpRequestMessage)"/> of an <see cref="HttpClient"/> park the task
/// instead of blocking the thread; so do all synchronous ways to read the answer's content.</summary>
/// <remarks>
/// <para><c>Send</c> returns when the body is in memory, or, with <see cref="HttpCompletionOption.ResponseHeadersRead"/>, at the
/// headers: the body is then read as it comes, by <see cref="HttpContent.ReadAsStream()"/>, by
/// <see cref="HttpContent.CopyTo(Stream, System.Net.TransportContext?, CancellationToken)"/>, or by an asynchronous method that
/// <see cref="Hub.Await{T}(Func{CancellationToken, Task{T}})"/> waits for.</para>
/// <para>The limits are those of the client and of the handler below: <see cref="HttpClient.Timeout"/>,
/// <see cref="HttpClient.MaxResponseContentBufferSize"/>, <see cref="SocketsHttpHandler.MaxResponseHeadersLength"/> and so on.
/// A kill or a timeout of the task cancels the request, and waits for its end.</para>
/// <para>Outside of a hub, what would have to wait throws <see cref="MissingHubException"/>; the asynchronous methods work
/// everywhere.</para>
/// </remarks>
/// <example><code>
/// using HttpClient client = new(new GreenHttpHandler());
/// using HttpResponseMessage reply = client.Send(new HttpRequestMessage(HttpMethod.Get, "http://example.org/"), HttpCompletionOption.ResponseHeadersRead);
/// using StreamReader reader = new(reply.Content.ReadAsStream());
/// while (reader.ReadLine() is { } line) // parks until the next one comes
/// {
///     Console.WriteLine(line);
/// }
/// </code></example>
public sealed class GreenHttpHandler : DelegatingHandler
{
    /// <summary>Creates a handler that sends through a <see cref="SocketsHttpHandler"/> of its own.</summary>
    public GreenHttpHandler()
        : base(new SocketsHttpHandler())
    {
    }

    /// <summary>Creates a handler that sends through another one.</summary>
    /// <param name="inner">The other handler; its asynchronous method is used.</param>
    /// <exception cref="ArgumentNullException"><paramref name="inner"/> is null.</exception>
    public GreenHttpHandler(HttpMessageHandler inner)
        : base(inner)
    {
    }

    /// <summary>Sends the request and parks until the headers of the answer are there.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Cancels it. So does a kill or a timeout of the task.</param>
    /// <returns>The answer; its content is read from the network as it is asked for.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null.</exception>
    /// <exception cref="HttpRequestException">The request failed: the connection, the name of the host, the protocol.</exception>
    /// <exception cref="OperationCanceledException">The request was cancelled, or took longer than the client allows.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Hub.EnterWait();
        return GreenHttpContent.Await(token => SendAsync(request, token), static late => late.Dispose(), cancellationToken);
    }

    /// <summary>Sends the request as the handler below does; the synchronous methods of the answer's content park.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Cancels it.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="request"/> is null.</exception>
    /// <exception cref="HttpRequestException">The request failed: the connection, the name of the host, the protocol.</exception>
    /// <exception cref="OperationCanceledException">The request was cancelled, or took longer than the client allows.</exception>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        response.Content = new GreenHttpContent(response.Content);
        return response;
    }
}
