// The connection over MetaTrader 5's sockets, plain or TLS; called by Session, Outbox and Inbox.

#define CONNECT_MS 3000
#define TIMEOUT_MS 100
#define ADDRESS_NOT_ALLOWED 4014

string gLinkHost = "";
int    gLinkPort = 0;
bool   gLinkTls = false;
string gLinkPrint = "";
int    gLink = INVALID_HANDLE;
bool   gLinkShown = false;

// Takes where to dial; returns why that is not done, or empty.
string LinkConfigure(string host, int port, bool tls, string thumbprint)
{
   gLinkHost = host;
   gLinkPort = port;
   gLinkTls = tls;
   gLinkPrint = thumbprint;
   StringToUpper(gLinkPrint);
   gLinkShown = false;
   if(StringLen(host) == 0 || port < 1 || port > 65535)
      return "host and port have to be those of the engine ([metatrader] in its configuration).";
   if(!tls && !IsLoopback(host))
      return "without TLS this EA dials 127.0.0.1 alone: on the way to " + host
             + " everybody could read the account. Switch TLS on here and give the engine a certificate, or use a tunnel.";
   return "";
}

bool LinkIsOpen()
{
   return gLink != INVALID_HANDLE;
}

void LinkClose()
{
   if(gLink != INVALID_HANDLE)
      SocketClose(gLink);
   gLink = INVALID_HANDLE;
}

// Dials; false with `why`: cause and remedy. Blocks for at most 3 s and, with TLS, its handshake.
bool LinkOpen(string &why)
{
   LinkClose();
   ResetLastError();
   string place = gLinkHost + ":" + IntegerToString(gLinkPort);
   gLink = SocketCreate();
   if(gLink == INVALID_HANDLE)
   {
      why = "the terminal gives no socket, error " + IntegerToString(GetLastError()) + ": restart the terminal.";
      return false;
   }
   if(!SocketConnect(gLink, gLinkHost, (uint)gLinkPort, CONNECT_MS))
   {
      int error = GetLastError();
      if(error == ADDRESS_NOT_ALLOWED)
         why = "the terminal does not allow this address (error 4014): Tools, Options, Expert Advisors, "
               + "tick \"Allow WebRequest for listed URL\" and add " + gLinkHost + " to the list.";
      else
         why = "nothing answers at " + place + " (error " + IntegerToString(error)
               + "): start the engine, compare host and port, let the firewall pass it.";
      return false;
   }
   // A send blocks for so long at most; 0 would mean two minutes.
   SocketTimeouts(gLink, TIMEOUT_MS, TIMEOUT_MS);
   if(!gLinkTls)
      return true;
   if(SocketTlsHandshake(gLink, gLinkHost))
      return LinkCertificate(why);
   why = "no TLS with " + place + " (error " + IntegerToString(GetLastError())
         + "): the engine needs a certificate there that this machine trusts, for this very host name.";
   return false;
}

// Looks at the engine's certificate; with a thumbprint given it has to be that one.
bool LinkCertificate(string &why)
{
   string subject = "";
   string issuer = "";
   string serial = "";
   string thumbprint = "";
   datetime expires = 0;
   if(!SocketTlsCertificate(gLink, subject, issuer, serial, thumbprint, expires))
   {
      why = "the engine shows no certificate: nothing is sent. Look at metatrader.certificate of the engine.";
      return false;
   }
   StringToUpper(thumbprint);
   if(StringLen(gLinkPrint) > 0 && thumbprint != gLinkPrint)
   {
      why = "the engine's certificate is another one (" + CleanText(thumbprint, 100)
            + "): if you have renewed it, give the new thumbprint; if not, somebody sits between.";
      return false;
   }
   if(expires > 0 && expires < TimeGMT())
   {
      why = "the engine's certificate has expired: renew it.";
      return false;
   }
   if(!gLinkShown)
      Tell("TLS with " + CleanText(subject, 100) + ", certificate " + CleanText(thumbprint, 100) + ".");
   gLinkShown = true;
   return true;
}

// Takes what is there, at most `most` bytes; 0: nothing, -1: the connection is broken.
// SocketIsReadable may say 1 of nothing, then SocketRead waits its timeout (never 0: that is two minutes) and says -1.
int LinkRead(uchar &buffer[], int most)
{
   if(gLink == INVALID_HANDLE)
      return -1;
   int count = 0;
   if(gLinkTls)
      count = SocketTlsReadAvailable(gLink, buffer, (uint)most);
   else
   {
      uint waiting = SocketIsReadable(gLink);
      if(waiting > (uint)most)
         waiting = (uint)most;
      if(waiting > 0)
         count = SocketRead(gLink, buffer, waiting, 1);
   }
   if(count > 0)
      return count;
   if(SocketIsConnected(gLink))
      return 0;
   return -1;
}

// Sends the first `count` bytes; returns how many were taken, -1 when the connection is broken.
int LinkSend(uchar &buffer[], int count)
{
   if(gLink == INVALID_HANDLE)
      return -1;
   if(!SocketIsWritable(gLink))
   {
      if(SocketIsConnected(gLink))
         return 0;
      return -1;
   }
   int taken = 0;
   if(gLinkTls)
      taken = SocketTlsSend(gLink, buffer, (uint)count);
   else
      taken = SocketSend(gLink, buffer, (uint)count);
   // What part of it went before an error nobody knows, and half a frame must not be followed by another.
   return taken;
}
