using System.Collections.Specialized;
using System.Diagnostics;
using System.Net;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="WebClient"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original. Inside a hub the events of the asynchronous calls occur, too.</remarks>
[GreenletTwin(typeof(WebClient))]
[StackTraceHidden]
public static class WebClientTwin
{
    public static byte[] DownloadData(WebClient self, string address) =>
        Hub.IsInside ? Run(self, () => self.DownloadDataTaskAsync(address)) : self.DownloadData(address);

    public static byte[] DownloadData(WebClient self, Uri address) =>
        Hub.IsInside ? Run(self, () => self.DownloadDataTaskAsync(address)) : self.DownloadData(address);

    public static void DownloadFile(WebClient self, string address, string fileName)
    {
        if (!Hub.IsInside)
        {
            self.DownloadFile(address, fileName);
            return;
        }

        Run(self, () => self.DownloadFileTaskAsync(address, fileName));
    }

    public static void DownloadFile(WebClient self, Uri address, string fileName)
    {
        if (!Hub.IsInside)
        {
            self.DownloadFile(address, fileName);
            return;
        }

        Run(self, () => self.DownloadFileTaskAsync(address, fileName));
    }

    public static string DownloadString(WebClient self, string address) =>
        Hub.IsInside ? Run(self, () => self.DownloadStringTaskAsync(address)) : self.DownloadString(address);

    public static string DownloadString(WebClient self, Uri address) =>
        Hub.IsInside ? Run(self, () => self.DownloadStringTaskAsync(address)) : self.DownloadString(address);

    public static Stream OpenRead(WebClient self, string address) =>
        Hub.IsInside ? Run(self, () => self.OpenReadTaskAsync(address), static late => late.Dispose()) : self.OpenRead(address);

    public static Stream OpenRead(WebClient self, Uri address) =>
        Hub.IsInside ? Run(self, () => self.OpenReadTaskAsync(address), static late => late.Dispose()) : self.OpenRead(address);

    public static Stream OpenWrite(WebClient self, string address) =>
        Hub.IsInside ? Run(self, () => self.OpenWriteTaskAsync(address), static late => late.Dispose()) : self.OpenWrite(address);

    public static Stream OpenWrite(WebClient self, Uri address) =>
        Hub.IsInside ? Run(self, () => self.OpenWriteTaskAsync(address), static late => late.Dispose()) : self.OpenWrite(address);

    public static Stream OpenWrite(WebClient self, string address, string? method) =>
        Hub.IsInside ? Run(self, () => self.OpenWriteTaskAsync(address, method), static late => late.Dispose()) : self.OpenWrite(address, method);

    public static Stream OpenWrite(WebClient self, Uri address, string? method) =>
        Hub.IsInside ? Run(self, () => self.OpenWriteTaskAsync(address, method), static late => late.Dispose()) : self.OpenWrite(address, method);

    public static byte[] UploadData(WebClient self, string address, byte[] data) =>
        Hub.IsInside ? Run(self, () => self.UploadDataTaskAsync(address, data)) : self.UploadData(address, data);

    public static byte[] UploadData(WebClient self, Uri address, byte[] data) =>
        Hub.IsInside ? Run(self, () => self.UploadDataTaskAsync(address, data)) : self.UploadData(address, data);

    public static byte[] UploadData(WebClient self, string address, string? method, byte[] data) =>
        Hub.IsInside ? Run(self, () => self.UploadDataTaskAsync(address, method, data)) : self.UploadData(address, method, data);

    public static byte[] UploadData(WebClient self, Uri address, string? method, byte[] data) =>
        Hub.IsInside ? Run(self, () => self.UploadDataTaskAsync(address, method, data)) : self.UploadData(address, method, data);

    public static byte[] UploadFile(WebClient self, string address, string fileName) =>
        Hub.IsInside ? Run(self, () => self.UploadFileTaskAsync(address, fileName)) : self.UploadFile(address, fileName);

    public static byte[] UploadFile(WebClient self, Uri address, string fileName) =>
        Hub.IsInside ? Run(self, () => self.UploadFileTaskAsync(address, fileName)) : self.UploadFile(address, fileName);

    public static byte[] UploadFile(WebClient self, string address, string? method, string fileName) =>
        Hub.IsInside ? Run(self, () => self.UploadFileTaskAsync(address, method, fileName)) : self.UploadFile(address, method, fileName);

    public static byte[] UploadFile(WebClient self, Uri address, string? method, string fileName) =>
        Hub.IsInside ? Run(self, () => self.UploadFileTaskAsync(address, method, fileName)) : self.UploadFile(address, method, fileName);

    public static string UploadString(WebClient self, string address, string data) =>
        Hub.IsInside ? Run(self, () => self.UploadStringTaskAsync(address, data)) : self.UploadString(address, data);

    public static string UploadString(WebClient self, Uri address, string data) =>
        Hub.IsInside ? Run(self, () => self.UploadStringTaskAsync(address, data)) : self.UploadString(address, data);

    public static string UploadString(WebClient self, string address, string? method, string data) =>
        Hub.IsInside ? Run(self, () => self.UploadStringTaskAsync(address, method, data)) : self.UploadString(address, method, data);

    public static string UploadString(WebClient self, Uri address, string? method, string data) =>
        Hub.IsInside ? Run(self, () => self.UploadStringTaskAsync(address, method, data)) : self.UploadString(address, method, data);

    public static byte[] UploadValues(WebClient self, string address, NameValueCollection data) =>
        Hub.IsInside ? Run(self, () => self.UploadValuesTaskAsync(address, data)) : self.UploadValues(address, data);

    public static byte[] UploadValues(WebClient self, Uri address, NameValueCollection data) =>
        Hub.IsInside ? Run(self, () => self.UploadValuesTaskAsync(address, data)) : self.UploadValues(address, data);

    public static byte[] UploadValues(WebClient self, string address, string? method, NameValueCollection data) =>
        Hub.IsInside ? Run(self, () => self.UploadValuesTaskAsync(address, method, data)) : self.UploadValues(address, method, data);

    public static byte[] UploadValues(WebClient self, Uri address, string? method, NameValueCollection data) =>
        Hub.IsInside ? Run(self, () => self.UploadValuesTaskAsync(address, method, data)) : self.UploadValues(address, method, data);

    private static void Run(WebClient client, Func<Task> begin) => Run(
        client,
        async () =>
        {
            await begin().ConfigureAwait(false);
            return true;
        });

    // Begun on another thread: it gives its result to the caller's context, and one that waits for it would not take it.
    private static T Run<T>(WebClient client, Func<Task<T>> begin, Action<T>? whenGivenUp = null) => Parking.Run(
        async token =>
        {
            using (token.Register(client.CancelAsync))
            {
                return await Task.Run(begin, CancellationToken.None).ConfigureAwait(false);
            }
        },
        whenGivenUp: whenGivenUp);
}
