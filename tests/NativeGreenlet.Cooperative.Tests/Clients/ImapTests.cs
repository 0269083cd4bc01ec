using MailKit;
using MailKit.Net.Imap;
using MailKit.Security;
using MimeKit;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>MailKit's synchronous methods over <see cref="GreenStream"/>, against a real IMAP server.</summary>
public class ImapTests
{
    private const string Server = "dovecot";
    private const string Package = "dovecot-imapd";

    [ServerFact(Server, Package)]
    public void Ten_synchronous_mail_clients_idle_in_one_thread() => InHub.Run(() =>
    {
        const int Count = 10;
        using LocalServer server = LocalServer.Start(Server, Configure);
        using Witness witness = new();
        int idle = 0;
        GreenTask<string>[] waiting = [.. Enumerable.Range(0, Count).Select(i => Hub.Spawn(() =>
        {
            using ImapClient client = Connect(server, i);
            client.Inbox.Open(FolderAccess.ReadWrite);
            using CancellationTokenSource done = new();
            client.Inbox.CountChanged += (_, _) => done.Cancel();
            idle++;
            client.Idle(done.Token); // until the server tells that there is mail
            witness.SeeThread();
            MimeMessage message = client.Inbox.GetMessage(0);
            client.Disconnect(quit: true);
            return message.TextBody ?? string.Empty;
        }))];
        while (idle < Count)
        {
            Hub.Sleep(InHub.Tick);
        }

        witness.Testify(Count, "MailKit.Net.Imap.ImapClient.Idle(");
        Assert.DoesNotContain(waiting, task => task.IsCompleted);
        for (int i = Count - 1; i >= 0; i--)
        {
            using ImapClient client = Connect(server, i);
            using MimeMessage message = new([new MailboxAddress("a", "a@example.org")], [new MailboxAddress("b", "b@example.org")], "news", new TextPart { Text = $"mail {i}" });
            client.Inbox.Append(message);
            Assert.Equal($"mail {i}", waiting[i].Result.Trim());
        }
    });

    private static ImapClient Connect(LocalServer server, int user)
    {
        ImapClient client = new();
        client.Connect(server.Connect().GetStream(), "127.0.0.1", server.Port, SecureSocketOptions.None);
        client.Authenticate($"user{user}", "secret");
        return client;
    }

    private static IEnumerable<string> Configure(LocalServer server)
    {
        string home = server.HomePath;
        string file = Path.Combine(home, "dovecot.conf");
        string user = LocalServer.User;
        string unprivileged = Environment.IsPrivilegedProcess ? "uid=65534 gid=65534" : $"uid={user} gid={user}";
        File.WriteAllText(file, $$"""
            base_dir = {{home}}/run
            state_dir = {{home}}/state
            log_path = {{home}}/log
            protocols = imap
            listen = 127.0.0.1
            ssl = no
            disable_plaintext_auth = no
            default_internal_user = {{user}}
            default_internal_group = {{(Environment.IsPrivilegedProcess ? "nogroup" : user)}}
            default_login_user = {{user}}
            first_valid_uid = 1
            first_valid_gid = 0
            mail_location = maildir:{{home}}/mail/%u
            passdb {
              driver = static
              args = password=secret
            }
            userdb {
              driver = static
              args = {{unprivileged}} home={{home}}/mail/%u
            }
            service imap-login {
              chroot =
              inet_listener imap {
                port = {{server.Port}}
              }
              inet_listener imaps {
                port = 0
              }
            }
            service anvil {
              chroot =
            }
            service stats {
              chroot =
            }

            """);
        return ["-F", "-c", file];
    }
}
