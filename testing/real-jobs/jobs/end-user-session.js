// A user has left: the user's session at Talkdesk ends.
import { clientCredentials, endUserSession, talkdeskClientFromEnv } from "@talkdesk-oauth/core";

const source = clientCredentials(talkdeskClientFromEnv(), { scope: "user-session-public:end" });

export const signOut = (userId) => endUserSession(source, { userId, reason: "force_logout" });
